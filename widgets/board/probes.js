/** One problem over the steps of a run: a bar for every step at which it was sampled; pressing one shows its rollouts. */

import { rove } from "../page/rove.js";
import { make } from "../page/dom.js";
import { show } from "../page/signals.js";
import { visible } from "../page/tokens.js";
import { chooser } from "../text/toolbar.js";

/**
 * @typedef {import("../wire/payload.js").Group} Group
 * The outcomes of a problem's rollouts at a step; `length` is the mean.
 * @typedef {{ step: number, group: number, rollouts: number, scored: number, correct: number, length: number }} Cell
 * @typedef {{ problem: string, question: string, cells: Cell[], count: number }} History
 * @typedef {{ own: History, probes: History[], unreadable: number[] }} Histories
 * @typedef {import("./board.js").Host} Host
 */

export class Probes {
  /** @type {Group} */
  group;

  /** @param {Host} host */
  constructor(host) {
    this.host = host;
    /** @type {Histories | null} */
    this.known = null;
    /** @type {string | null} the problem chosen in the menu; null: that of the rollouts shown, if it was sampled more than once */
    this.wanted = null;
    this.element = make("section", { class: "wb-history", "aria-label": "this problem over the steps" });
    this.asked = 0;
  }

  /** @param {Group} group */
  update(group) {
    this.group = group;
    if (group.kind === "probe") this.wanted = group.rollouts[0].problem;
    else if (this.known?.own.problem !== group.rollouts[0].problem) this.wanted = null;
    this.draw();
    this.load();
  }

  /** Loads what the run has recorded of the problem: one request at a time, the newest last. */
  async load() {
    this.asked += 1;
    if (this.asked > 1) return;
    const { group } = this;
    try {
      this.known = await this.host.source.histories(group.rollouts[0].problem);
      this.error = "";
    } catch (error) {
      this.error = /** @type {Error} */ (error).message;
    }
    const again = this.asked > 1 && this.group !== group;
    this.asked = 0;
    this.draw();
    if (again) this.load();
  }

  /** The problem that is drawn: the chosen one, else that of the rollouts if it was sampled again, else the first tracked one. */
  get shown() {
    if (!this.known) return null;
    const { own, probes } = this.known;
    if (this.wanted !== null) return [...probes, own].find((each) => each.problem === this.wanted) ?? own;
    return own.count > 1 ? own : probes[0] ?? own;
  }

  draw() {
    const inside = this.element.contains(document.activeElement) ? document.activeElement?.tagName : "";
    const history = this.shown;
    if (!history || this.error) this.element.replaceChildren(this.error ? make("span", { class: "wb-muted" }, `cannot load the other steps of this problem: ${this.error}`) : "");
    else this.fill(history);
    if (inside === "SELECT") this.element.querySelector("select")?.focus();
    if (inside === "BUTTON") this.focus();
  }

  /** @param {History} history */
  fill(history) {
    const { own, probes, unreadable } = /** @type {Histories} */ (this.known);
    const isProbe = (/** @type {string} */ problem) => probes.some((each) => each.problem === problem);
    const options = [...(isProbe(own.problem) ? [] : [own]), ...probes].map((each) => /** @type {[string, string]} */ ([each.problem,
      `${isProbe(each.problem) ? "tracked" : "this problem"}: ${visible(each.question || each.problem)}`]));
    const top = Math.max(...history.cells.map(({ length }) => length));
    const steps = make("div", { class: "wb-cells", role: "group", "aria-label": "steps of this problem; press one to show its rollouts" });
    const here = history.cells.findIndex((cell) => this.isHere(history, cell));
    steps.append(...history.cells.map((cell, place) => this.cell(cell, isProbe(history.problem), { top, here: place === here, stop: place === Math.max(0, here) })));
    rove(steps);
    const lone = history.count < 2 ? `sampled at ${history.count ? "this step only" : "no recorded step"}${probes.length ? "" : "; the run tracks no problems"}` : "";
    const thinned = history.count > history.cells.length ? `${history.cells.length} of ${history.count} steps` : "";
    const lost = unreadable.length ? `unreadable: step ${unreadable.join(", ")}` : "";
    this.element.replaceChildren(make("label", { class: "wb-board-head" }, "problem over time ",
      chooser("problem over time", options, history.problem, (value) => { this.wanted = value; this.draw(); })),
    lone && !isProbe(history.problem) ? "" : steps,
    make("span", { class: "wb-muted" }, [lone, thinned, lost].filter(Boolean).join(" · ")));
  }

  /** Whether a cell's rollouts are those shown. @param {History} history @param {Cell} cell */
  isHere(history, cell) {
    return cell.step === this.group.step && history.problem === this.group.rollouts[0].problem;
  }

  /** @param {Cell} cell @param {boolean} probe @param {{ top: number, here: boolean, stop: boolean }} drawn `top`: the longest mean length */
  cell(cell, probe, { top, here, stop }) {
    const grade = cell.scored ? `${cell.correct} of ${cell.scored} correct` : "unscored";
    const text = `step ${cell.step}: ${grade}, mean length ${show(cell.length)} tokens`;
    return make("button", { type: "button", class: "wb-cell", tabindex: stop ? 0 : -1, "aria-pressed": String(here), "aria-label": text, title: text,
      click: () => (probe ? this.open(cell) : this.host.chooseStep(cell.step)) },
    make("span", { class: cell.scored ? "wb-cell-correct" : "wb-cell-correct wb-hatch", style: `--part:${cell.scored ? cell.correct / cell.scored : 1}` }),
    make("span", { class: "wb-cell-length", style: `width:${top > 0 ? (100 * cell.length) / top : 0}%` }),
    make("span", { class: "wb-cell-step" }, cell.step));
  }

  /** The rollouts of a tracked problem. @param {{ step: number, group: number }} cell */
  open({ step, group }) {
    return this.host.showGroup(group, this.host.source.probe(step, group));
  }

  /** Moves the focus to the step that is shown. */
  focus() {
    const button = this.element.querySelector('.wb-cell[tabindex="0"]');
    if (button instanceof HTMLElement) button.focus();
  }
}
