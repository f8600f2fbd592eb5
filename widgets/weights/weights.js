/** "Weights": how much of which layer changed between two checkpoints, as a heatmap. */

import { Checkpoints, StatusLine, choices, labelled, stepOf } from "../checkpoint/parts.js";
import { make } from "../page/dom.js";
import { show } from "../page/signals.js";
import { visible } from "../page/tokens.js";

/**
 * @typedef {{ name: string, kind: string, layer: number | null, size: number, numbers: Record<string, number | null> }} Cell
 * @typedef {{ factor: number, exact: number, tolerance: number, bfloat16: number }} Scaled
 * @typedef {{ from: number, to: number, merged: boolean, kinds: string[], layers: number[], cells: Cell[], measures: [string, string, string][],
 *   total: { size: number, relative_norm: number | null, rank: number | null, scaled: Scaled[] } }} Found
 * @typedef {import("../checkpoint/parts.js").Host} Host
 */

const OUTSIDE = "–"; // the column of weights that are in no layer

/** A number of a cell: shares in percent, small norms too. @param {number | null | undefined} value */
export function cellText(value) { return typeof value === "number" ? `${show(100 * value, 2)} %` : "·"; }

/** Strength of a colour: shares as they are, a norm against the largest of all. @param {string} measure @param {number | null} value @param {number} most */
export function strength(measure, value, most) {
  if (value === null || !(most > 0)) return 0;
  return measure === "relative" ? value / most : value;
}

/** What the whole change was, in words. @param {Found} found */
export function totalText({ total, merged, from, to }) {
  const rank = total.rank === null ? "" : ` · mean rank ${show(100 * total.rank, 2)} % of the most there can be`;
  return `${total.size.toLocaleString("en")} ${merged ? "merged weights" : "weights"}, step ${from} to ${to} · relative norm ${cellText(total.relative_norm)}${rank}`;
}

export class WeightsView {
  /** @type {Found | null} */
  found = null;
  measure = "changed_bfloat16";

  /** @param {Host} host */
  constructor(host) {
    this.host = host;
    this.kept = new Checkpoints(host.source, (kept) => this.offer(kept.steps));
    this.start = make("select", {});
    this.end = make("select", {});
    this.ranks = make("input", { type: "checkbox", checked: true });
    this.button = make("button", { type: "submit", class: "wb-ask-main", disabled: true }, "Compare");
    this.status = new StatusLine();
    this.picture = make("div", { class: "wb-weights" });
    this.element = make("div", {}, make("form", { class: "wb-ask-form", submit: (event) => { event.preventDefault(); this.compare(); } },
      make("div", { class: "wb-ask-line" }, labelled("from", this.start), labelled("to", this.end), make("label", { class: "wb-ask-field" }, this.ranks, " ranks (slower)"), this.button), this.status.element), this.picture);
  }

  open() { return this.refresh(); }

  async refresh() {
    try {
      await this.kept.refresh();
    } catch (error) {
      this.status.fail("No checkpoint to compare yet", error);
    }
  }

  /** @param {number[]} steps */
  offer(steps) {
    const known = choices(steps);
    const chosen = [this.start.value || known[0][0], this.end.value || known[known.length - 1][0]];
    const options = (/** @type {string} */ value) => known.map(([name, text]) => make("option", { value: name, selected: name === value }, text));
    this.start.replaceChildren(...options(chosen[0]));
    this.end.replaceChildren(...options(chosen[1]));
    this.button.disabled = steps.length < 2;
    this.steps = steps;
    this.status.show(steps.length < 2 ? "There is one checkpoint so far: two are compared." : "");
  }

  async compare() {
    const start = stepOf(this.start.value) ?? this.steps?.[this.steps.length - 1] ?? 0;
    this.button.disabled = true;
    this.status.show("reading the weights of both checkpoints");
    try {
      this.found = await this.host.source.ask({ kind: "weights", start, end: stepOf(this.end.value), ranks: this.ranks.checked });
      this.status.show("");
      this.draw();
    } catch (error) {
      this.status.fail("The weights cannot be compared", error);
    }
    this.button.disabled = false;
  }

  draw() {
    const { found } = this;
    if (!found) return;
    if (!found.measures.some(([name]) => name === this.measure)) this.measure = found.measures[0]?.[0] ?? "";
    const list = make("select", { "aria-label": "measure", change: () => { this.measure = list.value; this.draw(); this.picture.querySelector("select")?.focus(); } },
      found.measures.map(([name, label]) => make("option", { value: name, selected: name === this.measure }, label)));
    const [, , help] = found.measures.find(([name]) => name === this.measure) ?? ["", "", ""];
    this.picture.replaceChildren(make("div", { class: "wb-bar-line" }, make("label", { class: "wb-control" }, "colour by ", list), make("span", { class: "wb-muted" }, help)),
      make("div", { class: "wb-weights-parts" }, this.heatmap(found), scaledTable(found.total.scaled)), make("p", {}, totalText(found)));
  }

  /** Kinds of weights by layers. @param {Found} found */
  heatmap({ kinds, layers, cells }) {
    const most = Math.max(0, ...cells.map(({ numbers }) => numbers[this.measure] ?? 0));
    const outside = cells.some(({ layer }) => layer === null);
    const columns = [...layers, ...(outside ? [null] : [])];
    const at = new Map(cells.map((cell) => [`${cell.kind} ${cell.layer}`, cell]));
    return make("div", { class: "wb-heat", tabindex: 0, role: "region", "aria-label": "kinds of weights by layers" }, make("table", {},
      make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "layer"), columns.map((layer) => make("th", { scope: "col", title: layer === null ? "in no layer" : null }, layer ?? OUTSIDE)))),
      make("tbody", {}, kinds.map((kind) => make("tr", {}, make("th", { scope: "row" }, visible(kind)), columns.map((layer) => this.cell(at.get(`${kind} ${layer}`), most)))))));
  }

  /** @param {Cell | undefined} cell @param {number} most */
  cell(cell, most) {
    if (!cell) return make("td", { class: "wb-heat-none" });
    const value = cell.numbers[this.measure] ?? null;
    const all = this.found?.measures.map(([name, label]) => `${label}: ${cellText(cell.numbers[name])}`).join("\n");
    return make("td", { style: `--part:${strength(this.measure, value, most).toFixed(3)}`, title: `${visible(cell.name)}, ${cell.size.toLocaleString("en")} weights\n${all}` }, cellText(value));
  }

  close() {}
}

/** The same change made smaller: whether unchanged weights are an effect of how numbers are stored. @param {Scaled[]} scaled */
function scaledTable(scaled) {
  const percent = (/** @type {number} */ share) => `${(100 * share).toFixed(1)} %`;
  return make("table", { class: "wb-scaled" }, make("caption", {}, "unchanged weights, had the same change been smaller"),
    make("thead", {}, make("tr", {}, ["change ×", "float32", "± 1e-5", "bfloat16"].map((name) => make("th", { scope: "col" }, name)))),
    make("tbody", {}, scaled.map(({ factor, exact, tolerance, bfloat16 }) => make("tr", {}, make("th", { scope: "row" }, show(factor)), [exact, tolerance, bfloat16].map((share) => make("td", {}, percent(share)))))));
}

/** @param {Host} host */
const section = (host) => new WeightsView(host);

export default section;
