/** The problems of a step: those trained on, then, folded, those that the update excluded, with the reason. */

import { ZERO_VARIANCE, exclusionText, groupFacts, kindsText } from "./facts.js";
import { labelsOf, roleFilter, roleOf } from "./lineage.js";
import { make } from "../page/dom.js";
import { rove } from "../page/rove.js";
import { show } from "../page/signals.js";
import { visible } from "../page/tokens.js";

/** @typedef {import("../wire/payload.js").BoardEntry} BoardEntry @typedef {import("../wire/payload.js").BoardPayload} BoardPayload */

const MOST_CHIPS = 64; // rollouts of a group that have a mark each

export class ProblemList {
  /** @param {(group: number) => void} choose */
  constructor(choose) {
    this.choose = choose;
    this.unfolded = false; // whether the reader opened the fold
    /** @type {string | null} the role whose groups are listed; null: all */
    this.role = null;
    this.element = make("nav", { class: "wb-groups", "aria-label": "problems of the step" });
  }

  /** @param {BoardPayload} board @param {number | null} chosen group, null: none of the step's */
  update(board, chosen) {
    if (!board.groups.some((each) => roleOf(each) === this.role)) this.role = null;
    const held = document.activeElement?.closest(".wb-roles");
    const roles = roleFilter(board.groups, this.role, (role) => { this.role = role; this.update(board, chosen); });
    if (roles) rove(roles);
    this.fill({ ...board, groups: board.groups.filter((each) => this.role === null || roleOf(each) === this.role) }, chosen, roles);
    if (held) /** @type {HTMLElement | null} */ (roles?.querySelector('[aria-pressed="true"]') ?? null)?.focus();
  }

  /** @param {BoardPayload} board whose groups are listed @param {number | null} chosen @param {HTMLElement | null} roles */
  fill(board, chosen, roles) {
    const entry = (/** @type {BoardEntry} */ each) => groupEntry(each, each.group === chosen, () => this.choose(each.group));
    const trained = board.groups.filter(({ excluded }) => !excluded);
    const excluded = board.groups.filter((each) => each.excluded);
    const inside = excluded.some(({ group }) => group === chosen);
    this.element.replaceChildren(roles ?? "", ...trained.map(entry),
      ...(excluded.length ? [this.fold(excluded, board.filters ?? [], this.unfolded || inside || !trained.length, entry)] : []));
    const shown = /** @type {HTMLElement | null} */ (this.element.querySelector('[aria-pressed="true"]'));
    if (shown) this.element.scrollTop = shown.offsetTop - this.element.clientHeight / 2;
  }

  /** @param {BoardEntry[]} excluded @param {string[]} filters @param {boolean} open @param {(each: BoardEntry) => HTMLElement} entry */
  fold(excluded, filters, open, entry) {
    const reasons = [...new Set(excluded.map((each) => exclusionText(String(each.excluded), filters)))].join(", ");
    const fold = make("details", { class: "wb-excluded", open, toggle: () => { this.unfolded = fold.open; } },
      make("summary", { title: "The update did not use these rollouts." }, make("b", {}, `${excluded.length} not trained on`),
        make("span", { class: "wb-muted" }, ` ${reasons}: ${kindsText(excluded)}`)), excluded.map(entry));
    return fold;
  }
}

/** One problem in the list: its question and a mark for every rollout. @param {BoardEntry} group @param {boolean} chosen @param {() => void} choose */
export function groupEntry(group, chosen, choose) {
  const facts = groupFacts(group);
  const marks = group.rollouts.length > MOST_CHIPS ? [] : group.rollouts.map(([, , correct]) => {
    const name = correct === null ? "wb-unscored" : correct > 0.5 ? "wb-correct" : "wb-incorrect";
    return make("span", { class: `wb-chip ${name}` });
  });
  const badge = group.excluded ? "not trained on" : facts.zeroVariance ? "zero variance" : "";
  const labels = [group.role, group.source, group.tag].map((each) => visible(each ?? "")).filter(Boolean);
  const label = [...labels, facts.text, facts.zeroVariance && "zero reward variance", group.excluded && "not trained on"].filter(Boolean).join(", ");
  return make("button", {
    class: "wb-group", type: "button", tabindex: -1, "aria-pressed": String(chosen), "aria-label": `${visible(group.question)}; ${label}`,
    title: visible(group.problem), click: choose },
  make("span", { class: "wb-question" }, make("bdi", {}, visible(group.question || group.problem))),
  make("span", { class: "wb-chips", "aria-hidden": "true" }, marks),
  labelsOf(group),
  make("span", { class: "wb-muted" }, facts.ungraded ? `mean reward ${show(facts.mean)}` : facts.text,
    badge ? make("span", { class: "wb-badge", title: group.excluded ? "The update did not use these rollouts." : ZERO_VARIANCE }, badge) : null));
}
