/** The signal strip: how many groups say nothing, how many would by chance, and what pruning spares. */

import { deadExpected, derived, recentMean } from "./curves.js";
import { make } from "../page/dom.js";
import { show } from "../page/signals.js";

/** @typedef {{ group_size: number | null, live: { name: string, value: any, help: string }[] }} Setting */

const RECENT = 10; // steps that "now" means

export class Strip {
  constructor() {
    this.element = make("section", { class: "wb-strip", "aria-label": "signal" });
  }

  /** @param {import("./curves.js").Columns} columns @param {Setting | null} setting */
  update(columns, setting) {
    this.element.replaceChildren(...[this.dead(columns, setting), this.pruning(derived(columns))].filter((part) => part !== null));
    this.element.hidden = !this.element.children.length;
  }

  /** @param {import("./curves.js").Columns} columns @param {Setting | null} setting */
  dead(columns, setting) {
    const share = recentMean(columns.zero_variance_groups, RECENT);
    if (!Number.isFinite(share)) return null;
    const [chance, size] = [recentMean(columns.correct, RECENT), setting?.group_size];
    const expected = size && Number.isFinite(chance) ? deadExpected(chance, size) : NaN;
    const told = Number.isFinite(expected)
      ? `${percent(expected)} by chance for G = ${size} and p̂ = ${percent(chance)}, were all problems equally hard`
      : "what chance would give is not known: it takes the group size and the share of right answers";
    return item("of groups without signal", share, told, expected,
      `Mean of the last ${RECENT} steps. Where all rollouts of a group earn the same, a group-relative method learns nothing. By chance: p^G + (1 − p)^G; problems of unequal difficulty give more.`);
  }

  /** @param {import("./curves.js").Columns} columns */
  pruning(columns) {
    const saved = recentMean(columns.saved, RECENT);
    if (!Number.isFinite(saved)) return null;
    const shift = recentMean(columns["pruning.correct_after"], RECENT) - recentMean(columns["pruning.correct_before"], RECENT);
    const told = Number.isFinite(shift)
      ? `survivors are right ${show(Math.abs(shift * 100), 2)} points ${shift < 0 ? "less" : "more"} often than all that were judged`
      : "how much this shifts the share of right answers was not recorded";
    return item("of tokens saved by pruning", saved, told, NaN, `Estimated over the last ${RECENT} steps, as if the pruned rollouts had become as long as the others.`);
  }
}

/** @param {string} label @param {number} share @param {string} told @param {number} expected @param {string} help */
function item(label, share, told, expected, help) {
  const mark = Number.isFinite(expected) ? make("i", { style: `left: ${Math.min(100, 100 * expected)}%` }) : null;
  const bar = make("span", { class: "wb-share", "aria-hidden": "true" }, make("span", { style: `width: ${Math.min(100, 100 * share)}%` }), mark);
  return make("div", { class: "wb-signal", title: help }, make("b", { class: "wb-number" }, percent(share)), make("span", {}, ` ${label}`), bar, make("span", { class: "wb-muted" }, told));
}

/** @param {number} share */
function percent(share) { return `${show(share * 100, 2)} %`; }
