/**
 * Numbers behind the charts, without a page: joining what comes live, thinning, seeds, scales.
 *
 * Columns of a run by name; `step` says where a row belongs.
 * @typedef {Record<string, Float32Array | Int32Array | Float64Array | number[]>} Columns
 * An event; of several runs it has the name and the colour of its own.
 * @typedef {{ step: number | null, kind: string, text: string | null, time?: number | null, action?: string, run?: string, colour?: number }} RunEvent
 * @typedef {{ columns: Columns, events?: RunEvent[], notes?: string[], stretch?: number, tail?: boolean }} Curves
 */

export const MOST_ROWS = 8_000; // kept of a run; beyond that the kernel is asked for all of it again, thinned
const MOST_EVENTS = 300;

/** What was known with what came since; rows of the same step are replaced. @param {Curves} known @param {Curves} tail @returns {Curves} */
export function joined(known, tail) {
  const first = tail.columns.step?.[0] ?? Infinity;
  const kept = below(known.columns.step ?? [], first);
  const more = tail.columns.step?.length ?? 0;
  /** @type {Columns} */
  const columns = {};
  for (const name of new Set([...Object.keys(known.columns), ...Object.keys(tail.columns)])) {
    const whole = name === "step" ? new Int32Array(kept + more) : new Float32Array(kept + more).fill(NaN);
    if (known.columns[name]) whole.set(known.columns[name].slice(0, kept));
    if (tail.columns[name]) whole.set(tail.columns[name], kept);
    columns[name] = whole;
  }
  const events = [...(known.events ?? []), ...(tail.events ?? [])].slice(-MOST_EVENTS);
  const notes = [...new Set([...(known.notes ?? []), ...(tail.notes ?? [])])].slice(-8);
  return { columns, events, notes, stretch: known.stretch ?? 1 };
}

/** How many of the sorted numbers lie below a value. @param {ArrayLike<number>} sorted @param {number} value */
export function below(sorted, value) {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The place of the number that lies nearest. @param {ArrayLike<number>} sorted @param {number} value */
export function nearestPlace(sorted, value) {
  const place = below(sorted, value);
  if (place === 0) return 0;
  if (place === sorted.length) return sorted.length - 1;
  return value - sorted[place - 1] <= sorted[place] - value ? place - 1 : place;
}

/**
 * The columns with those that follow from them: `saved`, the share of tokens that pruning saved, as if the pruned
 * rollouts had become as long as the others; `phases`, the seconds of all phases.
 * @param {Columns} columns @returns {Columns}
 */
export function derived(columns) {
  const { pruned, tokens, rollouts, length } = columns;
  const prunes = pruned || Object.keys(columns).some((name) => name.startsWith("pruning."));
  if (!prunes || !tokens || !rollouts || !length) return columns;
  const saved = Float32Array.from(tokens, (sampled, row) => {
    if (!Number.isFinite(sampled)) return NaN;
    return pruned && pruned[row] > 0 ? Math.max(0, 1 - sampled / (rollouts[row] * length[row])) : 0;
  });
  return { ...columns, saved };
}

/**
 * At most four points a stretch of the axis: the first, the least, the greatest and the last, so that neither a peak nor
 * the newest point is lost. Missing values are left out.
 * @param {ArrayLike<number>} steps @param {ArrayLike<number>} values @param {number} stretches
 * @returns {[number, number][]}
 */
export function thin(steps, values, stretches) {
  /** @type {number[]} */
  const known = [];
  for (let row = 0; row < steps.length; row += 1) if (Number.isFinite(values[row])) known.push(row);
  if (known.length <= 4 * stretches) return known.map((row) => [steps[row], values[row]]);
  const [first, last] = [steps[known[0]], steps[known[known.length - 1]]];
  const width = (last - first) / stretches || 1;
  /** @type {[number, number][]} */
  const points = [];
  for (let start = 0; start < known.length;) {
    const stretch = Math.floor((steps[known[start]] - first) / width);
    let [end, least, most] = [start, start, start];
    for (; end < known.length && Math.floor((steps[known[end]] - first) / width) === stretch; end += 1) {
      if (values[known[end]] < values[known[least]]) least = end;
      if (values[known[end]] > values[known[most]]) most = end;
    }
    for (const place of [...new Set([start, least, most, end - 1])].sort((one, other) => one - other)) {
      points.push([steps[known[place]], values[known[place]]]);
    }
    start = end;
  }
  return points;
}

/** The mean of the last known values. @param {ArrayLike<number> | undefined} values @param {number} count */
export function recentMean(values, count) {
  const known = Array.from(values ?? []).filter(Number.isFinite).slice(-count);
  return known.length ? known.reduce((sum, value) => sum + value, 0) / known.length : NaN;
}

/** Expected share of groups of `size` rollouts that are all correct or all incorrect, each correct with that probability. @param {number} chance @param {number} size */
export function zeroVarianceExpected(chance, size) {
  return chance ** size + (1 - chance) ** size;
}

/** Running sums over the columns; a missing value adds nothing. @param {ArrayLike<number>[]} columns */
export function stacked(columns) {
  let floor = new Float64Array(columns[0].length);
  return columns.map((values) => (floor = Float64Array.from(floor, (value, row) => value + (Number.isFinite(values[row]) ? values[row] : 0))));
}

/** @param {number[]} sorted */
export function median(sorted) {
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * The interval of 95 % of the bootstrap's medians, exactly and without drawing: the median of a resample is at most the
 * k-th value with the chance that a binomial of n tries at k / n reaches the middle (Efron, 1979). Of an even number the
 * lower middle serves the lower end, the upper middle the upper. Null for fewer than three values: a band would be made up.
 * @param {number[]} sorted @returns {[number, number] | null}
 */
export function medianBand(sorted) {
  const count = sorted.length;
  if (count < 3) return null;
  const [lower, upper] = [Math.ceil(count / 2), Math.floor(count / 2) + 1];
  const low = sorted.findIndex((_, place) => atLeast(count, (place + 1) / count, lower) > 0.025);
  const high = sorted.findIndex((_, place) => atLeast(count, (place + 1) / count, upper) >= 0.975);
  return [sorted[low], sorted[high]];
}

/** The chance of so many successes or more. @param {number} tries @param {number} chance @param {number} wanted */
function atLeast(tries, chance, wanted) {
  if (chance >= 1) return 1;
  let [sum, term] = [0, (1 - chance) ** tries];
  for (let count = 0; count <= tries; count += 1) {
    if (count >= wanted) sum += term;
    term *= ((tries - count) / (count + 1)) * (chance / (1 - chance));
  }
  return sum;
}

/**
 * Median and band of the same column of several seeds at every step that at least two of them have.
 * @param {{ columns: Columns }[]} runs @param {string} name
 */
export function overSeeds(runs, name) {
  /** @type {Map<number, number[]>} */
  const found = new Map();
  for (const { columns } of runs) {
    const values = columns[name] ?? [];
    for (let row = 0; row < values.length; row += 1) {
      if (!Number.isFinite(values[row])) continue;
      const there = found.get(columns.step[row]);
      if (there) there.push(values[row]);
      else found.set(columns.step[row], [values[row]]);
    }
  }
  const shared = [...found].filter(([, values]) => values.length > 1).sort((one, other) => one[0] - other[0]);
  const rows = shared.map(([step, values]) => ({ step, sorted: values.sort((one, other) => one - other) }));
  return rows.map(({ step, sorted }) => ({ step, median: median(sorted), band: medianBand(sorted) }));
}
