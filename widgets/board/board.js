/** The group board: the problems of the step, the outcomes of a group's rollouts, filters, and divergence points. */

import { ZERO_VARIANCE, exclusionText, factsOf, firstChoice } from "./facts.js";
import { OUTCOMES, passing } from "./filter.js";
import { rolloutFoot, rolloutHead } from "./head.js";
import { Lineage, labelsOf } from "./lineage.js";
import { PrefixTree } from "./tree.js";
import { sharedTokens } from "../text/compare.js";
import { make } from "../page/dom.js";
import { Histogram, MEASURES } from "./histogram.js";
import { ProblemList } from "./list.js";
import { Probes } from "./probes.js";
import { idsOf } from "../text/shades.js";
import { quantile, show } from "../page/signals.js";
import { readingOf, visible } from "../page/tokens.js";
import { chooser } from "../text/toolbar.js";

/**
 * @typedef {import("../wire/payload.js").Group} Group
 * @typedef {import("../wire/payload.js").Rollout} Rollout
 * What the board needs of the view around it. `given`: a group that is loaded from elsewhere than the step. The source has
 * `histories` and `probe` where it knows other steps.
 * @typedef {{ showGroup: (group: number, given?: Promise<any>) => any, arrange: () => void, visit: (rollout: Rollout, at?: number) => void,
 *   chooseStep: (step: number) => any, source: any }} Host
 */

/** Groups that belong to no problem of the step: label and help. @type {Record<string, { label: string, help: string }>} */
const AWAY = {
  probe: { label: "tracked problem", help: "held out, sampled at every evaluation, never trained on" },
  try: { label: "prompted", help: "completions to your prompt, never trained on" },
  branch: { label: "branch", help: "continuations from another token, never trained on" },
};

/** Which of a step's groups is shown, and which of its rollouts in what order. `list` and `bar` stand in the page. */
export class Board {
  /** @type {Group} */
  group;
  /** @type {Rollout | null} the reference for divergence points */
  reference = null;
  /** @type {Map<Rollout, number>} */
  partings = new Map();
  /** @type {Rollout[]} the rollouts that pass the filters */
  kept = [];
  /** @type {import("../wire/payload.js").BoardPayload} */
  board;
  /** @type {number} of the board */
  step;
  /** @type {HTMLButtonElement} */
  reset;

  /** @param {Host} host */
  constructor(host) {
    this.host = host;
    this.sort = "sampled";
    this.outcome = "all";
    this.text = "";
    this.home = 0; // the group of the step that was shown last
    this.entropyTop = 0; // height of the sparklines: the same for the whole group
    /** @type {Map<Rollout, string>} */
    this.texts = new Map();
    this.problems = new ProblemList((group) => this.host.showGroup(group));
    this.list = this.problems.element;
    this.line = make("div", { class: "wb-bar-line" });
    this.filters = make("div", { class: "wb-bar-line" });
    this.count = make("span", { role: "status" });
    this.histogram = new Histogram(() => this.narrow());
    this.tree = new PrefixTree({ changed: () => this.narrow(), visit: (rollouts, at) => this.read(rollouts, at) });
    this.history = host.source.histories ? new Probes(host) : null;
    this.bar = make("div", { class: "wb-board" }, this.history?.element ?? "", this.line,
      make("div", { class: "wb-board-parts" }, this.histogram.element, this.tree.element), this.filters);
  }

  /** A group is shown. @param {import("../wire/payload.js").BoardPayload} board @param {Group} group */
  update(board, group) {
    this.group = group;
    this.held = this.history?.element.contains(document.activeElement); // the view takes the board out and puts it in again
    this.texts.clear();
    this.reference = null;
    this.partings.clear();
    if (!this.away) this.home = group.group;
    const known = Float64Array.from(group.columns.entropy ?? []).filter(Number.isFinite).sort();
    this.entropyTop = known.length ? quantile(known, 0.99) : 0;
    if (this.board !== board) this.lineage = new Lineage(board.groups);
    this.board = board;
    this.problems.update(board, this.away ? null : group.group);
    this.histogram.update(group);
    this.tree.update(group);
    this.fillLine(board.step);
    this.history?.update(group);
  }

  // ------------------------------------------------------------------ which rollouts, in what order

  /** Whether the rollouts belong to no problem of the step. */
  get away() {
    return this.group !== undefined && this.group.kind !== "group";
  }

  /** Whether a filter or reference is set, or the focus is here. */
  get busy() {
    return this.narrowed || this.reference !== null || this.away || this.bar.contains(document.activeElement);
  }

  get narrowed() {
    return this.outcome !== "all" || this.text !== "" || this.histogram.pressed.size > 0 || this.tree.chosen !== null;
  }

  /** The rollouts to show, in order; all of them where none passes the filters. @param {Group} group */
  rollouts(group) {
    const found = this.passing([this.histogram.members, this.tree.members]);
    this.kept = found.length ? found : group.rollouts;
    const all = group.rollouts.length;
    this.count.textContent = !this.narrowed ? "" : found.length ? `${found.length} of ${all} shown` : `no rollout matches: all ${all} are shown`;
    return sortRollouts({ ...group, rollouts: this.kept }, this.sort);
  }

  /** @param {Rollout} rollout */
  textOf(rollout) {
    const { group, texts } = this;
    if (!texts.has(rollout)) texts.set(rollout, readingOf(group.vocabulary, idsOf(group, rollout)).join(""));
    return texts.get(rollout) ?? "";
  }

  /** The filters have changed. */
  narrow() {
    this.host.arrange();
    this.reset.disabled = !this.narrowed;
    this.tree.fade(new Set(this.passing([this.histogram.members])));
  }

  /** @param {(Set<Rollout> | null)[]} sets */
  passing(sets) {
    return passing(this.group.rollouts, { outcome: this.outcome, text: this.text, sets }, (rollout) => this.textOf(rollout));
  }

  /** All rollouts again. */
  widen() {
    this.outcome = "all";
    this.text = "";
    this.histogram.release();
    this.tree.release();
    this.host.arrange();
    this.fillLine(this.step);
    this.filters.querySelector("select")?.focus();
  }

  /** To a token of the first of these rollouts that is shown; all are, if none of them is. @param {Rollout[]} rollouts @param {number} at */
  read(rollouts, at) {
    const found = rollouts.find((rollout) => this.kept.includes(rollout));
    if (!found) this.widen();
    this.host.visit(found ?? rollouts[0], at);
  }

  // ------------------------------------------------------------------ divergence points

  /** Sets the reference for divergence points; null: none. @param {Rollout | null} rollout */
  refer(rollout) {
    this.reference = rollout;
    this.partings.clear();
    for (const other of rollout ? this.group.rollouts : []) {
      if (rollout && other !== rollout) this.partings.set(other, sharedTokens(idsOf(this.group, rollout), idsOf(this.group, other)));
    }
    this.host.arrange();
    this.fillLine(this.step);
  }

  /** Sets or clears the reference for divergence points. @param {Rollout} rollout */
  turn(rollout, at = 0) {
    this.refer(this.reference === rollout ? null : rollout);
    this.host.visit(rollout, at);
  }

  /** Marks the divergence points in the text. @param {import("../text/pane.js").Pane} pane whose rollouts are new */
  mark(pane) {
    pane.partings = this.partings;
    if (this.held) this.history?.focus();
    this.held = false;
  }

  /** @param {Rollout} rollout @returns {import("./head.js").Parting | null} */
  partingOf(rollout) {
    if (!this.reference) return null;
    const at = this.partings.get(rollout);
    if (at === undefined) return { at: null, text: "reference" };
    if (at < rollout.length) return { at, text: `diverges at token ${at + 1}: “${visible(this.group.vocabulary[idsOf(this.group, rollout)[at]]?.[0] ?? "⟨?⟩").replaceAll("\n", "⏎")}”` };
    return { at: at - 1, text: at < this.reference.length ? `ends at token ${at}; the reference continues` : "identical tokens" };
  }

  /** What stands left of a rollout's tokens. @param {Group} group @param {Rollout} rollout */
  head(group, rollout) {
    if (group !== this.group) return rolloutHead(group, rollout, { top: this.entropyTop, parting: null });
    const refer = () => this.turn(rollout);
    return rolloutHead(group, rollout, { top: this.entropyTop, parting: this.partingOf(rollout), refer, visit: (at) => this.host.visit(rollout, at) });
  }

  /** What stands below a rollout's tokens. @param {Rollout} rollout */
  foot(rollout) {
    const line = this.away ? null : this.lineage?.line(rollout, (group, wanted) => this.follow(group, wanted));
    return line ? make("div", {}, rolloutFoot(rollout) ?? "", line) : rolloutFoot(rollout);
  }

  /** The rollout that a whole group was made from. @param {import("../wire/payload.js").BoardEntry} entry */
  origin(entry) {
    const parent = this.lineage?.shared(entry.rollouts[0][0]) ?? null;
    return parent === null ? null : this.lineage?.parent(parent, (group, wanted) => this.follow(group, wanted)) ?? null;
  }

  /** To a rollout of another group of the step. @param {number} group @param {number} wanted */
  async follow(group, wanted) {
    await this.host.showGroup(group);
    const found = this.group.rollouts.find(({ rollout }) => rollout === wanted);
    if (found) this.read([found], 0);
  }

  // ------------------------------------------------------------------ the line above the rollouts

  /** @param {number} step of the board */
  fillLine(step) {
    const { group } = this;
    this.step = step;
    const { mean, text, zeroVariance, scored } = factsOf(group);
    const active = this.filters.contains(document.activeElement) ? document.activeElement?.getAttribute("aria-label") : null;
    const entry = this.away ? undefined : this.board.groups.find((each) => each.group === group.group);
    const excluded = entry?.excluded;
    this.line.replaceChildren(...[make("span", {}, scored ? `${text} · mean reward ${show(mean)}` : text),
      this.away ? make("span", { class: "wb-badge", title: AWAY[group.kind]?.help }, `${AWAY[group.kind]?.label ?? group.kind} at step ${group.step}`) : null,
      this.away ? make("button", { type: "button", click: () => this.host.showGroup(this.home) }, `back to step ${step}`) : null,
      entry ? labelsOf(entry) : null, entry ? this.origin(entry) : null,
      zeroVariance ? make("span", { class: "wb-badge", title: ZERO_VARIANCE }, "zero reward variance") : null,
      excluded ? make("span", { class: "wb-badge", title: "The update did not use these rollouts." }, `not trained on: ${exclusionText(excluded, this.board.filters ?? [])}`) : null,
      make("span", { class: "wb-spring" }), this.picks()].filter((part) => part !== null));
    this.filters.replaceChildren(...this.controls());
    const again = active && [...this.filters.querySelectorAll("select, input")].find((each) => each.getAttribute("aria-label") === active);
    if (again instanceof HTMLElement) again.focus();
  }

  /** What chooses and orders rollouts. */
  controls() {
    const { group } = this;
    const outcomes = Object.entries(OUTCOMES).map(([name, { label, holds }]) => ({ name, label, count: group.rollouts.filter(holds).length }));
    const show = make("select", { "aria-label": "rollouts to show", change: () => { this.outcome = show.value; this.narrow(); } },
      outcomes.map(({ name, label, count }) => make("option", { value: name, selected: name === this.outcome, disabled: !count && name !== this.outcome }, `${label} (${count})`)));
    const box = make("input", { type: "search", class: "wb-contains", value: this.text, placeholder: "containing…", "aria-label": "show only rollouts that contain this text",
      input: () => { this.text = box.value; this.narrow(); }, keydown: (event) => event.stopPropagation() });
    this.reset = make("button", { type: "button", disabled: !this.narrowed, click: () => this.widen() }, "show all");
    const siblings = [["", "—"], ...group.rollouts.map(({ rollout }) => [rollout, `#${rollout}`])];
    const parting = chooser("reference for divergence points", /** @type {[string, string][]} */ (siblings), this.reference?.rollout ?? "",
      (value) => this.refer(group.rollouts.find(({ rollout }) => String(rollout) === value) ?? null), { title: "marks in every other rollout the first token that differs from this one" });
    const sorts = Object.entries(SORTS).map(([name, { label }]) => /** @type {[string, string]} */ ([name, label]));
    return [make("span", { class: "wb-control" }, show, box, this.reset),
      make("label", { class: "wb-control" }, "divergence from ", parting),
      make("label", { class: "wb-control" }, "sort by ", chooser("sort rollouts by", sorts, this.sort, (value) => { this.sort = value; this.host.arrange(); })), this.count];
  }

  /** Buttons that go to the best, worst, longest or a random rollout of those shown. */
  picks() {
    return make("span", { class: "wb-control", role: "group", "aria-label": "go to rollout" },
      Object.entries(PICKS).map(([name, pick]) => make("button", { type: "button", click: () => this.host.visit(pick(this.kept)) }, `→ ${name}`)));
  }

  /** The group to show of another step: that of the same problem, else the first that taught something. @param {import("../wire/payload.js").BoardPayload} board @param {Group | undefined} before */
  choice(board, before) {
    const problem = before?.rollouts[0]?.problem;
    return board.groups.find((entry) => entry.problem === problem) ?? firstChoice(board.groups);
  }
}

/** Sort orders of the rollouts; those without a number come last. @type {Record<string, { label: string, key: (group: Group, rollout: Rollout) => number }>} */
export const SORTS = {
  sampled: { label: "sampling order", key: (_, rollout) => rollout.rollout },
  ...Object.fromEntries(Object.entries(MEASURES).map(([name, { label, of }]) => [name, { label, key: falling(of) }])),
};

/** @param {import("./histogram.js").Measure["of"]} of @returns {(group: Group, rollout: Rollout) => number} */
function falling(of) {
  return (group, rollout) => {
    const number = of(group, rollout);
    return Number.isFinite(number) ? -number : Infinity;
  };
}

/** The rollouts of a group in a sort order; ties keep the sampling order. @param {Group} group @param {string} sort */
export function sortRollouts(group, sort) {
  const { key } = SORTS[sort];
  const order = group.rollouts.map((rollout) => /** @type {[number, Rollout]} */ ([key(group, rollout), rollout]));
  return order.sort(([one, first], [other, second]) => (one < other ? -1 : one > other ? 1 : first.rollout - second.rollout)).map(([, rollout]) => rollout);
}

/** Rollouts one may jump to, by name. @type {Record<string, (rollouts: Rollout[]) => Rollout>} */
export const PICKS = {
  best: (rollouts) => extreme(rollouts, (rollout) => rollout.reward ?? -Infinity),
  worst: (rollouts) => extreme(rollouts, (rollout) => -(rollout.reward ?? Infinity)),
  longest: (rollouts) => extreme(rollouts, (rollout) => rollout.length),
  random: (rollouts) => rollouts[Math.floor(Math.random() * rollouts.length)],
};

/** @param {Rollout[]} rollouts @param {(rollout: Rollout) => number} size */
function extreme(rollouts, size) {
  return rollouts.reduce((best, rollout) => (size(rollout) > size(best) ? rollout : best));
}
