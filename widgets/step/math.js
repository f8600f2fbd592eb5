/** The effect of a step on its tokens: gradient weight (lens) and change of log-prob, in numbers. */

/**
 * @typedef {import("../wire/payload.js").Group} Group
 * @typedef {import("../wire/payload.js").Rollout} Rollout
 * The tokens whose log-prob was computed again: their places in the group's columns, gradient weight (0: none),
 * change of log-prob in nats, and the index of their rollout in the group.
 * @typedef {{ places: Int32Array, weight: Float64Array, delta: Float64Array, owners: Int32Array }} Tokens
 * `agree`: share of the gradient weight (in size) on tokens that moved with its sign, of those that moved; `still`: share on
 * tokens that did not move; `slope`: change per unit of gradient weight; means are of changes, over `count` tokens.
 * @typedef {{ weight: number, agree: number, still: number, correlation: number, slope: number, up: Mean, down: Mean, idle: Mean }} Facts
 * @typedef {{ mean: number, count: number }} Mean
 * @typedef {{ rollout: Rollout, tokens: number, weight: number, delta: number, agree: number }} Line
 */

export const STILL = 1e-5; // nats: a smaller change is float32 rounding, as where the model was certain

/** The tokens with a change; one without a lens has gradient weight 0. @param {Group} group @returns {Tokens} */
export function tokensOf(group) {
  const { change, lens } = group.columns;
  const most = change?.length ?? 0;
  const found = { places: new Int32Array(most), weight: new Float64Array(most), delta: new Float64Array(most), owners: new Int32Array(most) };
  let count = 0;
  group.rollouts.forEach(({ start, length }, owner) => {
    for (let place = start; place < Math.min(most, start + length); place += 1) {
      if (!Number.isFinite(change[place])) continue;
      found.places[count] = place;
      found.weight[count] = lens && Number.isFinite(lens[place]) ? lens[place] : 0;
      found.delta[count] = change[place];
      found.owners[count] = owner;
      count += 1;
    }
  });
  const cut = (/** @type {any} */ values) => values.subarray(0, count);
  return { places: cut(found.places), weight: cut(found.weight), delta: cut(found.delta), owners: cut(found.owners) };
}

/** @param {Tokens} tokens @returns {Facts} */
export function factsOf({ weight, delta }) {
  const up = { mean: 0, count: 0 };
  const down = { mean: 0, count: 0 };
  const idle = { mean: 0, count: 0 };
  const sums = { size: 0, moved: 0, agreed: 0, weight: 0, delta: 0, both: 0, square: 0, gotSquare: 0 };
  for (let at = 0; at < weight.length; at += 1) {
    const [x, y] = [weight[at], delta[at]];
    add(x > 0 ? up : x < 0 ? down : idle, x ? y : Math.abs(y));
    if (!x) continue;
    sums.size += Math.abs(x);
    if (Math.abs(y) > STILL) sums.moved += Math.abs(x);
    if (Math.abs(y) > STILL && x * y > 0) sums.agreed += Math.abs(x);
    sums.weight += x; sums.delta += y; sums.both += x * y; sums.square += x * x; sums.gotSquare += y * y;
  }
  const count = up.count + down.count;
  const spread = Math.sqrt(Math.max(0, sums.square - sums.weight ** 2 / count) * Math.max(0, sums.gotSquare - sums.delta ** 2 / count));
  const correlation = spread > 1e-12 * Math.sqrt(sums.square * sums.gotSquare) ? (sums.both - (sums.weight * sums.delta) / count) / spread : NaN;
  return { weight: count, agree: sums.agreed / sums.moved, still: 1 - sums.moved / sums.size, correlation, slope: sums.both / sums.square, up: done(up), down: done(down), idle: done(idle) };
}

/** @param {Mean} mean @param {number} value */
function add(mean, value) {
  mean.mean += value;
  mean.count += 1;
}

/** @param {Mean} sum @returns {Mean} nan of nothing */
function done(sum) {
  return { mean: sum.mean / sum.count, count: sum.count };
}

/** A row for every rollout with a change: sums over its tokens. @param {Group} group @param {Tokens} tokens @returns {Line[]} */
export function linesOf(group, { weight, delta, owners }) {
  const lines = group.rollouts.map((rollout) => ({ rollout, tokens: 0, weight: 0, delta: 0, agree: 0, size: 0 }));
  for (let at = 0; at < weight.length; at += 1) {
    const line = lines[owners[at]];
    line.tokens += 1;
    line.weight += weight[at];
    line.delta += delta[at];
    if (Math.abs(delta[at]) <= STILL) continue;
    line.size += Math.abs(weight[at]);
    if (weight[at] * delta[at] > 0) line.agree += Math.abs(weight[at]);
  }
  return lines.filter(({ tokens }) => tokens).map(({ size, agree, ...line }) => ({ ...line, agree: agree / size }));
}

/** The tokens that moved most against their gradient: weight times change is most negative. @param {Tokens} tokens @param {number} count */
export function against({ weight, delta }, count) {
  return largest(weight.length, (at) => (Math.abs(delta[at]) > STILL ? -weight[at] * delta[at] : 0), count);
}

/** The tokens that moved most without a gradient. @param {Tokens} tokens @param {number} count */
export function withoutGradient({ weight, delta }, count) {
  return largest(weight.length, (at) => (weight[at] || Math.abs(delta[at]) <= STILL ? 0 : Math.abs(delta[at])), count);
}

/** The tokens furthest from the line through zero with the step's slope. @param {Tokens} tokens @param {number} slope @param {number} count */
export function outliers({ weight, delta }, slope, count) {
  const rate = Number.isFinite(slope) ? slope : 0;
  return largest(weight.length, (at) => Math.abs(delta[at] - rate * weight[at]), count);
}

/** The numbers from 0 on whose key is largest, and above 0, the largest first. @param {number} all @param {(at: number) => number} key @param {number} count @returns {number[]} */
export function largest(all, key, count) {
  const keys = Float64Array.from({ length: all }, (_, at) => key(at));
  const least = all > count ? keys.slice().sort()[all - count] : -Infinity;
  const found = [];
  for (let at = 0; at < all; at += 1) if (keys[at] >= least && keys[at] > 0) found.push(at);
  return found.sort((one, other) => keys[other] - keys[one] || one - other).slice(0, count);
}

/** Half the width of an axis around zero: nearly all numbers lie inside. @param {Float64Array} values */
export function reach(values) {
  const sizes = values.map(Math.abs).filter((size) => size > 0).sort();
  if (!sizes.length) return 1;
  return 1.08 * sizes[Math.min(sizes.length - 1, Math.floor(0.995 * sizes.length))];
}
