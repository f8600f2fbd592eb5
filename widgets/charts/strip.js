/** Shares above the curves: groups trained on, zero-variance groups beside the expected share, tokens that pruning saves. */

import { zeroVarianceExpected, derived, recentMean } from "./curves.js";
import { make } from "../page/dom.js";
import { show } from "../page/signals.js";

/** @typedef {{ group_size: number | null, live: { name: string, value: any, help: string }[] }} Setting */

const RECENT = 10; // steps in the mean

export class Strip {
  constructor() {
    this.element = make("section", { class: "wb-strip", "aria-label": "groups trained on, zero-variance groups and pruning" });
  }

  /** @param {import("./curves.js").Columns} columns @param {Setting | null} setting */
  update(columns, setting) {
    this.element.replaceChildren(...[this.kept(columns), this.zeroVariance(columns, setting), this.pruning(derived(columns))].filter((part) => part !== null));
    this.element.hidden = !this.element.children.length;
  }

  /** Where filters remove groups: how many are left. @param {import("./curves.js").Columns} columns */
  kept(columns) {
    const [kept, sampled] = [recentMean(columns.groups, RECENT), recentMean(columns.groups_sampled, RECENT)];
    if (!(kept < sampled)) return null;
    return item("of the sampled groups trained on", kept / sampled, `${show(kept)} of ${show(sampled)} per step; filters removed the others`, NaN,
      `Mean of the last ${RECENT} steps. The list of problems says of each group whether it was trained on.`);
  }

  /** @param {import("./curves.js").Columns} columns @param {Setting | null} setting */
  zeroVariance(columns, setting) {
    const share = recentMean(columns.zero_variance_groups, RECENT);
    if (!Number.isFinite(share)) return null;
    const [chance, size] = [recentMean(columns.correct, RECENT), setting?.group_size];
    const expected = size && Number.isFinite(chance) ? zeroVarianceExpected(chance, size) : NaN;
    const text = Number.isFinite(expected)
      ? `expected ${percent(expected)} for G = ${size} and p̂ = ${percent(chance)} if all problems were equally hard`
      : setting ? "expected share unknown: the group size or the share of correct rollouts is not recorded" : "";
    return item("zero-variance groups", share, text, expected,
      `Mean of the last ${RECENT} steps. All rollouts of such a group have the same reward, so group-relative advantages are zero. Expected: p^G + (1 − p)^G; problems of unequal difficulty give more.`);
  }

  /** @param {import("./curves.js").Columns} columns */
  pruning(columns) {
    const saved = recentMean(columns.saved, RECENT);
    if (!Number.isFinite(saved)) return null;
    const shift = recentMean(columns["pruning.correct_after"], RECENT) - recentMean(columns["pruning.correct_before"], RECENT);
    const text = Number.isFinite(shift)
      ? `accuracy of the survivors: ${show(Math.abs(shift * 100), 2)} points ${shift < 0 ? "below" : "above"} that of all scored rollouts`
      : "effect on accuracy not recorded";
    return item("tokens saved by pruning", saved, text, NaN, `Estimated over the last ${RECENT} steps as if pruned rollouts had become as long as the others.`);
  }
}

/** @param {string} label @param {number} share @param {string} text @param {number} expected @param {string} help */
function item(label, share, text, expected, help) {
  const mark = Number.isFinite(expected) ? make("i", { style: `left: ${Math.min(100, 100 * expected)}%` }) : null;
  const bar = make("span", { class: "wb-share", "aria-hidden": "true" }, make("span", { style: `width: ${Math.min(100, 100 * share)}%` }), mark);
  return make("div", { class: "wb-signal", title: help }, make("b", { class: "wb-number" }, percent(share)), make("span", {}, ` ${label}`), bar, make("span", { class: "wb-muted" }, text));
}

/** @param {number} share */
function percent(share) { return `${show(share * 100, 2)} %`; }
