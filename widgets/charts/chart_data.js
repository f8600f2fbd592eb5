/** What a chart draws, as plain data: the lines of one run, or of several with seeds gathered. */

import { nearestPlace, overSeeds, stacked, thin } from "./curves.js";

/**
 * `share`: between 0 and 1, shown in percent; `fit`: the axis ends above the greatest; `zero`: it starts at zero; `more`: further
 * columns, a line each where there are several, or, with `lone`, also for a single one, as for roles; `log`: a logarithmic axis makes sense;
 * `late`: shown when the reader asks for more curves.
 * @typedef {{ title: string, help?: string, unit?: string, share?: boolean, fit?: boolean, zero?: boolean, stacked?: boolean,
 *   log?: boolean, late?: boolean, more?: RegExp, lone?: boolean, series: Record<string, string> }} Spec
 * @typedef {{ name: string, key?: string, experiment?: string, colour?: number, columns: import("./curves.js").Columns,
 *   events?: import("./curves.js").RunEvent[], notes?: string[], stretch?: number }} Shown
 * `at` gives the value at a step; `faint` is one seed among several.
 * @typedef {{ label: string, colour: number, faint?: boolean, points: [number, number][], at: (step: number) => number }} Line
 * @typedef {{ colour: number, points: [number, number, number][] }} Band
 * @typedef {{ lines: Line[], bands: Band[], areas: boolean }} ChartData
 * @typedef {{ name: string, colour: number, runs: Shown[] }} RunGroup
 */

const STRETCHES = 120; // of the axis, each at most four points
export const COLOURS = 8;

/** Runs of one experiment are its seeds and share a colour, the one they have or the next. @param {Shown[]} runs @returns {RunGroup[]} */
export function runGroups(runs) {
  /** @type {Map<string, Shown[]>} */
  const found = new Map();
  for (const run of runs) {
    const key = run.experiment ? `experiment ${run.experiment}` : `run ${run.key ?? run.name}`;
    found.set(key, [...(found.get(key) ?? []), run]);
  }
  return [...found.values()].map((members, place) => ({
    name: members.length > 1 ? members[0].experiment ?? "" : members[0].name, colour: members[0].colour ?? place % COLOURS, runs: members }));
}

/** The legend of a runGroup. @param {RunGroup} runGroup */
export function legendText({ name, runs }) {
  if (runs.length === 1) return name;
  return `${name}: ${runs.length} seeds, ${runs.length < 3 ? "median; no band below three" : "median and 95 % band"}`;
}

/** @param {Spec} spec @param {Shown[]} runs @returns {ChartData} */
export function chartData(spec, runs) {
  return runs.length === 1 ? ofOne(spec, runs[0].columns) : ofMany(spec, runGroups(runs));
}

/** Events that the curves show anyway. */
const QUIET = new Set(["started", "launch", "checkpoint", "finished"]);

/** The events in the order of time; of several runs, each with the run's name and colour. @param {Shown[]} runs */
export function eventsOf(runs) {
  if (runs.length === 1) return runs[0].events ?? [];
  const all = runs.flatMap(({ events = [], name, colour }) => events.map((event) => ({ ...event, run: name, colour })));
  return all.sort((one, other) => (one.time ?? 0) - (other.time ?? 0));
}

/** Those of the events that a chart marks. @template {import("./curves.js").RunEvent} Event @param {Event[]} events */
export function marked(events) {
  return events.filter(({ step, kind }) => step !== null && !QUIET.has(kind));
}

/** Every series of a chart that was recorded; reward components, roles and sources have a line each, as many as there are
 * colours; a source within a role, as `propose.find`, is in the table of all curves alone. @param {Spec} spec @param {Shown["columns"]} columns */
export function seriesOf(spec, columns) {
  const has = (/** @type {string} */ name) => columns[name] && Array.prototype.some.call(columns[name], Number.isFinite);
  const more = spec.more;
  const parts = more ? Object.keys(columns).filter((name) => more.test(name) && !name.replace(more, "").includes(".")) : [];
  const extra = more && parts.length > (spec.lone ? 0 : 1) ? parts.map((name) => [name, name.replace(more, "")]) : [];
  return [...Object.entries(spec.series), ...extra].filter(([name]) => has(name)).slice(0, Math.max(COLOURS, Object.keys(spec.series).length));
}

/** @param {Spec} spec @param {Shown["columns"]} columns @returns {ChartData} */
function ofOne(spec, columns) {
  const series = seriesOf(spec, columns);
  if (!series.length) return { lines: [], bands: [], areas: false };
  if (!spec.stacked) {
    return { lines: series.map(([name, label], place) => line(label, place % COLOURS, columns.step, columns[name])), bands: [], areas: false };
  }
  const sums = stacked(series.map(([name]) => columns[name]));
  const lines = series.map(([name, label], place) => line(label, place % COLOURS, columns.step, columns[name]));
  const rows = rowsOf(columns.step, sums[sums.length - 1]);
  const bands = sums.map((high, place) => ({ colour: place % COLOURS,
    points: rows.map((row) => /** @type {[number, number, number]} */ ([columns.step[row], place ? sums[place - 1][row] : 0, high[row]])) }));
  return { lines, bands, areas: true };
}

/** Rows that stand for all where there are too many to draw: those of the peaks of the sum. @param {ArrayLike<number>} steps @param {ArrayLike<number>} sum */
function rowsOf(steps, sum) {
  const known = Array.from(sum, (value) => (value > 0 ? value : NaN));
  const places = Array.from(steps, (_, row) => row);
  return thin(places, known, STRETCHES).map(([row]) => row);
}

/** One line a run; of an experiment's seeds a faint one each, their median and its band. @param {Spec} spec @param {RunGroup[]} all @returns {ChartData} */
function ofMany(spec, all) {
  /** @type {Line[]} */
  const lines = [];
  /** @type {Band[]} */
  const bands = [];
  const [name] = Object.keys(spec.series);
  for (const runGroup of all) {
    const runs = runGroup.runs.map(({ columns }) => ({ columns: spec.stacked ? withSum(columns, spec) : columns }));
    const column = spec.stacked ? "seconds" : name;
    const there = runs.filter(({ columns }) => columns[column] && Array.prototype.some.call(columns[column], Number.isFinite));
    const many = runGroup.runs.length > 1;
    for (const { columns } of there) lines.push({ ...line(runGroup.name, runGroup.colour, columns.step, columns[column]), faint: many });
    if (!many || there.length < 2) continue;
    const seeds = overSeeds(there, column);
    lines.push(line(runGroup.name, runGroup.colour, seeds.map(({ step }) => step), seeds.map((row) => row.median)));
    const banded = seeds.flatMap(({ step, band }) => (band ? [/** @type {[number, number, number]} */ ([step, ...band])] : []));
    bands.push({ colour: runGroup.colour, points: every(banded, 4 * STRETCHES) });
  }
  return { lines, bands, areas: false };
}

/** At most so many, evenly, the last one among them. @template Item @param {Item[]} items @param {number} most */
function every(items, most) {
  const stride = Math.ceil(items.length / most) || 1;
  return items.filter((_, place) => place % stride === 0 || place === items.length - 1);
}

/** @param {Shown["columns"]} columns @param {Spec} spec */
function withSum(columns, spec) {
  const names = Object.keys(spec.series).filter((name) => columns[name]);
  if (columns.seconds || !names.length) return columns;
  return { ...columns, seconds: stacked(names.map((name) => columns[name]))[names.length - 1] };
}

/** @param {string} label @param {number} colour @param {ArrayLike<number>} steps @param {ArrayLike<number>} values @returns {Line} */
function line(label, colour, steps, values) {
  const at = (/** @type {number} */ step) => {
    let place = steps.length ? nearestPlace(steps, step) : -1;
    while (place >= 0 && (steps[place] > step || !Number.isFinite(values[place]))) place -= 1;
    return place < 0 ? NaN : values[place];
  };
  return { label, colour, points: thin(steps, values, STRETCHES), at };
}
