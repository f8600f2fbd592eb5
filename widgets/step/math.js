/** What a step did to its tokens: what the lens asked of each beside the change of its log-probability, in numbers. */

/**
 * @typedef {import("../wire/payload.js").Group} Group
 * @typedef {import("../wire/payload.js").Rollout} Rollout
 * The tokens that were scored again, one after the other: their places in the group's columns, what was asked of them
 * (0: nothing), what they got, and the number of their rollout in the group's list.
 * @typedef {{ places: Int32Array, asked: Float64Array, got: Float64Array, owners: Int32Array }} Tokens
 * `agree`: of the push on tokens that moved, the part whose tokens moved as they were told; `still`: of all push, the
 * part on tokens that did not move; `slope`: change for one unit of push; means are of log-probs, over so many tokens.
 * @typedef {{ asked: number, agree: number, still: number, correlation: number, slope: number, up: Mean, down: Mean, idle: Mean }} Facts
 * @typedef {{ mean: number, count: number }} Mean
 * @typedef {{ rollout: Rollout, tokens: number, asked: number, got: number, agree: number }} Line
 */

export const STILL = 1e-5; // nats: a smaller change is the rounding of float32, as where the model was certain

/** Tokens with a change; one without a lens was asked nothing. @param {Group} group @returns {Tokens} */
export function tokensOf(group) {
  const { change, lens } = group.columns;
  const most = change?.length ?? 0;
  const found = { places: new Int32Array(most), asked: new Float64Array(most), got: new Float64Array(most), owners: new Int32Array(most) };
  let count = 0;
  group.rollouts.forEach(({ start, length }, owner) => {
    for (let place = start; place < Math.min(most, start + length); place += 1) {
      if (!Number.isFinite(change[place])) continue;
      found.places[count] = place;
      found.asked[count] = lens && Number.isFinite(lens[place]) ? lens[place] : 0;
      found.got[count] = change[place];
      found.owners[count] = owner;
      count += 1;
    }
  });
  const cut = (/** @type {any} */ values) => values.subarray(0, count);
  return { places: cut(found.places), asked: cut(found.asked), got: cut(found.got), owners: cut(found.owners) };
}

/** @param {Tokens} tokens @returns {Facts} */
export function factsOf({ asked, got }) {
  const up = { mean: 0, count: 0 };
  const down = { mean: 0, count: 0 };
  const idle = { mean: 0, count: 0 };
  const sums = { push: 0, moved: 0, agreed: 0, asked: 0, got: 0, both: 0, square: 0, gotSquare: 0 };
  for (let at = 0; at < asked.length; at += 1) {
    const [x, y] = [asked[at], got[at]];
    add(x > 0 ? up : x < 0 ? down : idle, x ? y : Math.abs(y));
    if (!x) continue;
    sums.push += Math.abs(x);
    if (Math.abs(y) > STILL) sums.moved += Math.abs(x);
    if (Math.abs(y) > STILL && x * y > 0) sums.agreed += Math.abs(x);
    sums.asked += x; sums.got += y; sums.both += x * y; sums.square += x * x; sums.gotSquare += y * y;
  }
  const count = up.count + down.count;
  const spread = Math.sqrt(Math.max(0, sums.square - sums.asked ** 2 / count) * Math.max(0, sums.gotSquare - sums.got ** 2 / count));
  const correlation = spread > 1e-12 * Math.sqrt(sums.square * sums.gotSquare) ? (sums.both - (sums.asked * sums.got) / count) / spread : NaN;
  return { asked: count, agree: sums.agreed / sums.moved, still: 1 - sums.moved / sums.push, correlation, slope: sums.both / sums.square, up: done(up), down: done(down), idle: done(idle) };
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

/** A line for every rollout that was scored again: sums over its tokens. @param {Group} group @param {Tokens} tokens @returns {Line[]} */
export function linesOf(group, { asked, got, owners }) {
  const lines = group.rollouts.map((rollout) => ({ rollout, tokens: 0, asked: 0, got: 0, agree: 0, push: 0 }));
  for (let at = 0; at < asked.length; at += 1) {
    const line = lines[owners[at]];
    line.tokens += 1;
    line.asked += asked[at];
    line.got += got[at];
    if (Math.abs(got[at]) <= STILL) continue;
    line.push += Math.abs(asked[at]);
    if (asked[at] * got[at] > 0) line.agree += Math.abs(asked[at]);
  }
  return lines.filter(({ tokens }) => tokens).map(({ push, agree, ...line }) => ({ ...line, agree: agree / push }));
}

/** Tokens that moved most against what they were told: asked times got is most below zero. @param {Tokens} tokens @param {number} count */
export function against({ asked, got }, count) {
  return largest(asked.length, (at) => (Math.abs(got[at]) > STILL ? -asked[at] * got[at] : 0), count);
}

/** Tokens that moved most though nothing was asked of them. @param {Tokens} tokens @param {number} count */
export function unasked({ asked, got }, count) {
  return largest(asked.length, (at) => (asked[at] || Math.abs(got[at]) <= STILL ? 0 : Math.abs(got[at])), count);
}

/** Tokens that lie furthest from what their push would give at the step's own rate. @param {Tokens} tokens @param {number} slope @param {number} count */
export function outliers({ asked, got }, slope, count) {
  const rate = Number.isFinite(slope) ? slope : 0;
  return largest(asked.length, (at) => Math.abs(got[at] - rate * asked[at]), count);
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
