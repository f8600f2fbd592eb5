/** A histogram of the rollouts; pressing a bar filters by it. */

import { correctText } from "./facts.js";
import { OUTCOMES } from "./filter.js";
import { rove } from "../page/rove.js";
import { make } from "../page/dom.js";
import { show } from "../page/signals.js";
import { chooser } from "../text/toolbar.js";

/**
 * @typedef {import("../wire/payload.js").Group} Group
 * @typedef {import("../wire/payload.js").Rollout} Rollout
 * A number of a rollout; nan where it is missing.
 * @typedef {{ label: string, of: (group: Group, rollout: Rollout) => number }} Measure
 * Rollouts in one bin.
 * @typedef {{ label: string, tick: string, members: Rollout[] }} Bar
 */

const MOST_BARS = 12;
const MOST_VALUES = 8; // up to this many distinct values have a bar each

/** @type {Record<string, Measure>} */
export const MEASURES = {
  reward: { label: "reward", of: (_, rollout) => rollout.reward ?? NaN },
  length: { label: "length", of: (_, rollout) => rollout.length },
  entropy: { label: "mean entropy", of: (group, rollout) => meanOf(group.columns.entropy, rollout) },
};

/** Mean over the tokens that have a number. @param {Float32Array | undefined} values @param {Rollout} rollout */
function meanOf(values, rollout) {
  const known = Array.from(values?.subarray(rollout.start, rollout.start + rollout.length) ?? []).filter(Number.isFinite);
  return known.reduce((sum, value) => sum + value, 0) / known.length;
}

/** The numbers that a group has a histogram of; single reward components where there are several. @param {Group} group @returns {[string, Measure][]} */
export function measuresOf(group) {
  const parts = new Set(group.rollouts.flatMap((rollout) => (rollout.parts ?? []).map((part) => part.name)));
  const own = parts.size < 2 ? [] : [...parts].map((name) => /** @type {[string, Measure]} */ ([`part ${name}`, {
    label: name, of: (_, rollout) => rollout.parts?.find((part) => part.name === name)?.value ?? NaN }]));
  return [...Object.entries(MEASURES), ...own].filter(([, { of }]) => group.rollouts.some((rollout) => Number.isFinite(of(group, rollout))));
}

/** Few distinct values have a bar each; many share bins of one width. The last bar holds rollouts without a number.
 * @param {Rollout[]} rollouts @param {(rollout: Rollout) => number} numberOf @returns {Bar[]} */
export function barsOf(rollouts, numberOf) {
  const known = rollouts.filter((rollout) => Number.isFinite(numberOf(rollout)));
  const numbers = [...new Set(known.map(numberOf))].sort((one, other) => one - other);
  const bars = numbers.length > MOST_VALUES ? ranges(known, numberOf, numbers)
    : numbers.map((number) => ({ label: show(number), tick: show(number), members: known.filter((rollout) => numberOf(rollout) === number) }));
  const missing = rollouts.filter((rollout) => !known.includes(rollout));
  return missing.length ? [...bars, { label: "none", tick: "none", members: missing }] : bars;
}

/** @param {Rollout[]} known @param {(rollout: Rollout) => number} numberOf @param {number[]} sorted @returns {Bar[]} */
function ranges(known, numberOf, sorted) {
  const [low, high] = [sorted[0], sorted[sorted.length - 1]];
  const whole = sorted.every(Number.isInteger);
  const width = whole ? Math.ceil((high - low + 1) / MOST_BARS) : (high - low) / MOST_BARS;
  const count = whole ? Math.ceil((high - low + 1) / width) : MOST_BARS;
  return Array.from({ length: count }, (_, place) => {
    const from = low + place * width;
    const to = whole ? from + width - 1 : from + width;
    return { label: from === to ? show(from) : `${show(from)}–${show(to)}`, tick: show(from, 2),
      members: known.filter((rollout) => Math.min(count - 1, Math.floor((numberOf(rollout) - low) / width)) === place) };
  });
}

export class Histogram {
  /** @type {Group} */
  group;

  /** @param {() => void} changed called when the filter changes */
  constructor(changed) {
    this.changed = changed;
    this.name = "reward";
    /** @type {Set<Bar>} */
    this.pressed = new Set();
    this.head = make("div", { class: "wb-board-head" });
    this.columns = make("div", { class: "wb-columns", role: "group" });
    rove(this.columns);
    this.element = make("section", { class: "wb-histogram", "aria-label": "histogram of the rollouts" }, this.head, this.columns);
  }

  /** Rollouts of the pressed bars; null where none is pressed. */
  get members() {
    return this.pressed.size ? new Set([...this.pressed].flatMap((bar) => bar.members)) : null;
  }

  /** @param {Group} group */
  update(group) {
    this.group = group;
    this.pressed.clear();
    const known = measuresOf(group);
    const [name, measure] = known.find(([each]) => each === this.name) ?? known[0];
    this.head.replaceChildren("histogram of ", chooser("histogram of", known.map(([each, { label }]) => [each, label]), name, (value) => this.choose(value)));
    this.columns.setAttribute("aria-label", `histogram of ${measure.label}; press a bar to show only its rollouts`);
    const bars = barsOf(group.rollouts, (rollout) => measure.of(group, rollout));
    const most = Math.max(...bars.map(({ members }) => members.length));
    this.columns.replaceChildren(...bars.map((bar, place) => this.column(bar, measure.label, most, place === 0)));
  }

  /** Shows the histogram of another number. @param {string} name */
  choose(name) {
    this.name = name;
    this.update(this.group);
    this.head.querySelector("select")?.focus();
    this.changed();
  }

  /** One bar; its lower part is the share that is correct. @param {Bar} bar @param {string} label @param {number} most @param {boolean} first */
  column(bar, label, most, first) {
    const count = bar.members.length;
    const correct = bar.members.filter(OUTCOMES.correct.holds).length;
    const text = `${bar.label === "none" ? `no ${label}` : `${label} ${bar.label}`}: ${count} rollout${count === 1 ? "" : "s"}, ${correctText(bar.members)}`;
    return make("button", { type: "button", class: "wb-column", tabindex: first ? 0 : -1, "aria-pressed": "false", disabled: !count,
      "aria-label": text, title: text, click: (event) => this.press(bar, /** @type {HTMLElement} */ (event.currentTarget)) },
    make("span", { class: "wb-column-count" }, count || ""),
    make("span", { class: "wb-column-bar", style: `height:${(44 * count) / most}px` },
      make("span", { class: "wb-column-correct", style: `height:${count ? (100 * correct) / count : 0}%` })),
    make("span", { class: "wb-column-label" }, bar.tick));
  }

  /** @param {Bar} bar @param {HTMLElement} button */
  press(bar, button) {
    if (!this.pressed.delete(bar)) this.pressed.add(bar);
    button.setAttribute("aria-pressed", String(this.pressed.has(bar)));
    this.changed();
  }

  release() {
    this.pressed.clear();
    for (const button of this.columns.children) button.setAttribute("aria-pressed", "false");
  }
}
