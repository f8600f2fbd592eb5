/** The numbers of a group as they are coloured: by unit of text, over all its tokens, with the text to read. */

import { IDLE, levelOf, shade, signalOf, unshade } from "../page/signals.js";
import { readingOf, spellingOf } from "../page/tokens.js";
import { unitValues, unitsOf } from "../page/units.js";

/**
 * @typedef {import("../wire/payload.js").Group} Group
 * @typedef {import("../wire/payload.js").Rollout} Rollout
 * @typedef {import("../page/signals.js").Signal} Signal
 * @typedef {import("../page/signals.js").Limits} Limits
 */

export class Shades {
  /** @param {Group} group */
  constructor(group) {
    this.group = group;
    /** @type {Map<string, any>} */
    this.made = new Map();
  }

  /** @template T @param {string} key @param {() => T} make @returns {T} */
  once(key, make) {
    if (!this.made.has(key)) this.made.set(key, make());
    return this.made.get(key);
  }

  /** The text of every token as it is read, [place]. @returns {string[]} */
  get texts() {
    return this.once("texts", () => this.group.rollouts.flatMap((rollout) => readingOf(this.group.vocabulary, idsOf(this.group, rollout))));
  }

  /** The characters that the bytes of every token complete, [place]; undefined for whole tokens. @returns {(string | undefined)[]} */
  get spelling() {
    return this.once("spelling", () => this.group.rollouts.flatMap((rollout) => spellingOf(this.group.vocabulary, idsOf(this.group, rollout))));
  }

  /** The first place of every token's unit, [place]. @param {string} grouping @returns {Int32Array} */
  units(grouping) {
    return this.once(`units ${grouping}`, () => {
      const first = new Int32Array(this.group.columns.tokens.length);
      for (const { start, length } of this.group.rollouts) {
        const own = unitsOf(this.texts.slice(start, start + length), grouping);
        first.set(own.map((at) => at + start), start);
      }
      return first;
    });
  }

  /** From and up to which place a token's unit goes. @param {string} grouping @param {number} place */
  unitAt(grouping, place) {
    const first = this.units(grouping);
    let to = place + 1;
    while (to < first.length && first[to] === first[place]) to += 1;
    return { from: first[place], to };
  }

  /** The number of every token's unit, [place]; null where the signal is not there. @param {string} name @param {string} grouping @returns {ArrayLike<number> | null} */
  values(name, grouping) {
    const column = this.group.columns[name];
    if (!column || grouping === "token") return column ?? null;
    return this.once(`values ${name} ${grouping}`, () => {
      const signal = signalOf(name, column);
      return unitValues(column, this.units(grouping), howUnited(signal), ...(signal.sum ? [] : [
        (/** @type {number} */ x) => shade(signal, x), (/** @type {number} */ x) => unshade(signal, x)]));
    });
  }

  /** Numbers the scale is taken from: one a unit, trained tokens only. @param {string} name @param {string} grouping */
  scale(name, grouping) {
    const values = this.values(name, grouping);
    const { trained } = this.group.columns;
    if (!values) return new Float64Array(0);
    const first = grouping === "token" ? null : this.units(grouping);
    const kept = new Float64Array(values.length);
    let count = 0;
    for (let place = 0; place < values.length; place += 1) {
      if (trained[place] && (!first || first[place] === place)) kept[count++] = values[place];
    }
    return kept.subarray(0, count);
  }

  /** Sign and level of every token's colour, [place]. Untrained tokens have none in signals that speak of the update.
   * @param {Signal} signal @param {Limits | null} limits @param {string} grouping */
  levels(signal, limits, grouping) {
    const { tokens, trained } = this.group.columns;
    const values = this.values(signal.name, grouping);
    const idle = signal.scale === "signed" && signal.name !== "gap" && signal.name !== "ratio";
    const levels = new Int16Array(tokens.length);
    for (let place = 0; place < levels.length; place += 1) {
      levels[place] = idle && !trained[place] ? IDLE : levelOf(signal, limits, values ? values[place] : NaN);
    }
    return levels;
  }
}

/** How a unit's number comes from its tokens'. @param {Signal} signal @returns {"sum" | "mean"} */
export function howUnited(signal) {
  return signal.sum ? "sum" : "mean";
}

/** The token ids of a rollout. @param {Group} group @param {Rollout} rollout */
export function idsOf(group, rollout) {
  return group.columns.tokens.subarray(rollout.start, rollout.start + rollout.length);
}
