/** The list of runs: only the visible rows are in the page, and only those are requested. */

import { isShortcut, make } from "../page/dom.js";
import { ageOf, rowCells } from "./row.js";

/** @typedef {import("./row.js").Row} Row */

const ROW = 32; // pixels of a row
const HIGH = 12; // rows of the window
const SPARE = 4; // rows made above and below it
const REST = 120; // milliseconds before rows are requested
const COLUMNS = [["", ""], ["name", "run"], ["state", "state"], ["step", "step"], ["accuracy", "accuracy"], ["method", "method"], ["started", "started"], ["", "curve"]];

export class RunTable {
  /** @param {HTMLElement} root @param {{ want: () => void, sort: (order: string) => void, open: (row: Row) => void, pick: (row: Row) => void, seeds: (experiment: string) => void, marks: (row: Row) => any }} hooks */
  constructor(root, hooks) {
    this.hooks = hooks;
    /** @type {Map<number, Row>} */
    this.rows = new Map();
    /** @type {Map<number, { key: string, element: HTMLElement }>} the lines in the page, by place */
    this.lines = new Map();
    this.total = 0;
    this.at = 0; // the current row
    this.heads = COLUMNS.map(([order, label]) => make("span", { role: "columnheader" },
      order ? make("button", { type: "button", "data-order": order, click: () => hooks.sort(order) }, label) : label));
    this.space = make("div", { class: "wb-run-space", role: "rowgroup" });
    this.scroll = make("div", { class: "wb-run-rows", tabindex: 0, role: "grid", "aria-label": "runs; arrows move, Enter opens, Space overlays the curves, s those of all seeds of an experiment",
      scroll: () => { this.draw(); this.rest(); }, keydown: (event) => this.key(event), click: (event) => this.clicked(event) }, this.space);
    this.element = make("div", { class: "wb-run-table" }, make("div", { class: "wb-run-line wb-run-heads", role: "row" }, this.heads), this.scroll);
    root.append(this.element);
  }

  /** Which rows are to be there. */
  get window() {
    const first = Math.max(0, Math.floor(this.scroll.scrollTop / ROW) - SPARE);
    return { start: first, count: HIGH + 2 * SPARE };
  }

  rest() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.hooks.want(), REST);
  }

  /** From the beginning: another filter or order. */
  restart() {
    this.rows.clear();
    this.at = 0;
    this.scroll.scrollTop = 0;
  }

  /** @param {{ total: number, start: number, rows: Row[] }} found */
  update({ total, start, rows }) {
    this.total = total;
    this.rows = new Map(rows.map((row, place) => [start + place, row])); // those out of view are requested again
    this.at = Math.min(this.at, Math.max(0, total - 1));
    this.scroll.style.height = `${Math.min(HIGH, Math.max(1, total)) * ROW + 2}px`;
    this.space.style.height = `${total * ROW}px`;
    this.scroll.setAttribute("aria-rowcount", String(total));
    this.draw();
  }

  draw() {
    const { start, count } = this.window;
    const places = Array.from({ length: Math.max(0, Math.min(count, this.total - start)) }, (_, place) => start + place);
    const before = this.lines;
    this.lines = new Map(places.map((place) => [place, this.renewed(place, before.get(place))]));
    const elements = [...this.lines.values()].map(({ element }) => element);
    const same = elements.length === this.space.children.length && elements.every((element, at) => this.space.children[at] === element);
    if (!same) this.space.replaceChildren(...elements);
  }

  /** The line of a place: the one that is there where nothing in it has changed, so that a press on it is not lost.
   * @param {number} place @param {{ key: string, element: HTMLElement } | undefined} before */
  renewed(place, before) {
    const row = this.rows.get(place);
    const key = JSON.stringify([row ?? null, row ? this.hooks.marks(row) : null, place === this.at]);
    if (before?.key === key) {
      const age = before.element.querySelector(".wb-age");
      if (age && row && age.textContent !== ageOf(row)) age.textContent = ageOf(row);
      return before;
    }
    const element = this.line(place);
    if (before) before.element.replaceWith(element);
    return { key, element };
  }

  /** @param {number} place */
  line(place) {
    const row = this.rows.get(place);
    const cells = row ? rowCells(row, this.hooks.marks(row)) : [make("span", {}), make("span", { class: "wb-muted", role: "gridcell" }, "…")];
    return make("div", { class: `wb-run-line${place === this.at ? " wb-run-at" : ""}`, role: "row", "aria-rowindex": place + 1, "data-place": place, style: `top: ${place * ROW}px` }, cells);
  }

  /** @param {MouseEvent} event */
  clicked(event) {
    const target = /** @type {Element} */ (event.target);
    const place = Number(target.closest("[data-place]")?.getAttribute("data-place") ?? NaN);
    const row = this.rows.get(place);
    if (!row) return;
    this.at = place;
    if (target.closest(".wb-pick")) {
      event.preventDefault();
      this.hooks.pick(row);
    } else if (target.closest(".wb-seeds")) this.hooks.seeds(row.experiment);
    else this.hooks.open(row);
    this.draw();
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (isShortcut(event)) return;
    const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: HIGH, PageUp: -HIGH, Home: -this.total, End: this.total };
    const move = moves[/** @type {keyof typeof moves} */ (event.key)];
    const row = this.rows.get(this.at);
    if (move !== undefined) this.go(this.at + move);
    else if (event.key === "Enter" && row) this.hooks.open(row);
    else if (event.key === " " && row) this.hooks.pick(row);
    else if (event.key === "s" && row?.experiment) this.hooks.seeds(row.experiment);
    else return;
    event.preventDefault();
    event.stopPropagation();
    this.draw();
  }

  /** @param {number} place */
  go(place) {
    this.at = Math.max(0, Math.min(this.total - 1, place));
    const top = this.at * ROW;
    if (top < this.scroll.scrollTop) this.scroll.scrollTop = top;
    if (top + ROW > this.scroll.scrollTop + HIGH * ROW) this.scroll.scrollTop = top + ROW - HIGH * ROW;
  }

  /** Marks the column that the rows are sorted by. @param {string} order @param {boolean} reverse */
  sorted(order, reverse) {
    COLUMNS.forEach(([each], place) => {
      const direction = each !== order || !each ? "none" : reverse ? "descending" : "ascending";
      this.heads[place].setAttribute("aria-sort", direction);
    });
  }

  close() { clearTimeout(this.timer); }
}
