/** "Made problems": the stock as a table and as a map; a problem leads to the rollout that it came from. */

import { StockMap } from "./map.js";
import { Pager, choice, counted, debounced, percent } from "./parts.js";
import { make } from "../page/dom.js";
import { rove } from "../page/rove.js";
import { show } from "../page/signals.js";
import { visible } from "../page/tokens.js";
import { Newest } from "../wire/newest.js";

/**
 * @typedef {{ key: string, step: number, source: string, question: string, parent: string, numbers: Record<string, number | null> }} Row
 * @typedef {import("./map.js").Drawn & { all: number, total: number, start: number, sources: [string, number][], measures: string[], rows: Row[], notes: string[] }} Window
 * @typedef {{ step: number, group: number, rollout: number, role: string, reason?: string, tried?: [string, number, number][] }} Origin
 * @typedef {{ key: string, step: number, source: string, prompt: string, answer: string, data: Record<string, string>, visits: [number, number, number][], origin: Origin }} Item
 * @typedef {import("../checkpoint/parts.js").Host} Host
 */

const ROWS = 30;
const MADE = "step made";
const RATE = "solve rate";

/** Attempts at a made problem in words. @param {[number, number, number][]} visits step, attempts, successes */
export function visitsText(visits) {
  if (!visits.length) return "not asked yet";
  const [tried, right] = [1, 2].map((place) => visits.reduce((sum, visit) => sum + visit[place], 0));
  const steps = visits.length === 1 ? `step ${visits[0][0]}` : `${visits.length} steps, last ${visits[visits.length - 1][0]}`;
  return `asked at ${steps}: ${right} of ${tried} correct`;
}

/** Who solved a problem in the step of its making. @param {[string, number, number][]} tried role, correct, graded */
export function triedText(tried) {
  return tried.filter(([, , graded]) => graded).map(([role, correct, graded]) => ` · ${visible(role) || "solve"}: ${correct} of ${graded} correct`).join("");
}

export class StockView {
  /** @type {Window | null} */
  found = null;
  /** @type {string | null} */
  chosen = null;

  /** @param {Host} host */
  constructor(host) {
    this.host = host;
    /** @type {{ order: string, reverse: boolean, source: string | null, text: string, measure: string, start: number }} */
    this.wanted = { order: MADE, reverse: true, source: null, text: "", measure: "", start: 0 };
    this.newest = new Newest((request) => host.source.ask(request), (found) => this.draw(found), (error) => this.say(error.message));
    this.map = new StockMap((key) => this.choose(key));
    this.controls = make("div", { class: "wb-bar-line" });
    this.status = make("span", { class: "wb-muted", role: "status" });
    this.pager = new Pager(ROWS, (start) => this.ask({ start }));
    this.typed = debounced(() => this.ask({ text: this.box.value, start: 0 }));
    this.box = make("input", { type: "search", placeholder: "containing…", "aria-label": "made problems whose key or prompt contains", input: () => this.typed.call(), keydown: (event) => event.stopPropagation() });
    this.rows = make("div", { class: "wb-stock-rows" });
    rove(this.rows, true);
    this.item = make("section", { class: "wb-stock-item", "aria-label": "the chosen problem", hidden: true });
    this.parts = make("div", { class: "wb-stock", hidden: true }, make("div", {}, this.rows), this.map.element);
    this.element = make("div", { class: "wb-memory" }, this.controls, this.parts, this.item, make("p", {}, this.status));
  }

  open() { return this.ask({}); }

  refresh() { if (!this.parts.contains(document.activeElement) && !this.controls.contains(document.activeElement)) this.ask({}); }

  /** @param {Partial<StockView["wanted"]>} change */
  ask(change) {
    this.wanted = { ...this.wanted, ...change };
    return this.newest.request({ kind: "stock", count: ROWS, ...this.wanted });
  }

  /** @param {string} text */
  say(text) { this.status.textContent = text; }

  /** @param {Window} found */
  draw(found) {
    const first = !this.found?.all && found.all > 0;
    this.found = found;
    this.parts.hidden = this.controls.hidden = !found.all;
    if (first || this.offered !== String([found.measures, found.sources])) this.drawControls(found);
    this.pager.show(found.start, found.rows.length, found.total);
    this.rows.replaceChildren(make("table", {}, this.head(found), make("tbody", {}, found.rows.map((row, place) => this.row(row, found, place)))));
    this.map.show(found);
    const many = found.sources.map(([name, count]) => `${visible(name) || "no source"} ${count.toLocaleString("en")}`).join(", ");
    const text = found.all ? `${counted(found.all, "problem")} made${found.sources.length > 1 ? ` (${many})` : ""}` : "This run has made no problems: its method has no synthesis, or nothing passed yet.";
    this.say([text, ...found.notes].join(" · "));
  }

  /** @param {Window} found */
  drawControls(found) {
    this.offered = String([found.measures, found.sources]);
    const orders = [MADE, ...found.measures].map((name) => /** @type {[string, string]} */ ([name, name]));
    const sources = /** @type {[string, string][]} */ ([["*", "all"], ...found.sources.map(([name]) => [name, visible(name) || "no source"])]);
    const reverse = make("button", { type: "button", "aria-pressed": String(this.wanted.reverse), title: "the greatest first", click: () => {
      reverse.setAttribute("aria-pressed", String(!this.wanted.reverse));
      this.ask({ reverse: !this.wanted.reverse, start: 0 });
    } }, "reversed");
    this.controls.replaceChildren(choice("sort by", orders, this.wanted.order, (order) => this.ask({ order, start: 0 })), reverse,
      found.sources.length > 1 ? choice("source", sources, this.wanted.source ?? "*", (source) => this.ask({ source: source === "*" ? null : source, start: 0 })) : "",
      this.box, this.pager.element, make("span", { class: "wb-spring" }),
      choice("map of", found.measures.map((name) => [name, name]), found.measure, (measure) => this.ask({ measure })));
  }

  /** @param {Window} found */
  head(found) {
    return make("thead", {}, make("tr", {}, ["problem", "made", "source", ...found.measures].map((name) => make("th", { scope: "col" }, name))));
  }

  /** @param {Row} row @param {Window} found @param {number} place */
  row(row, found, place) {
    const stop = found.rows.some(({ key }) => key === this.chosen) ? row.key === this.chosen : place === 0;
    const name = make("button", { type: "button", tabindex: stop ? 0 : -1, title: visible(row.key), click: () => this.choose(row.key) }, make("bdi", {}, visible(row.question || row.key)));
    const numbers = found.measures.map((measure) => make("td", {}, measure === RATE ? percent(row.numbers[measure]) : row.numbers[measure] === null ? "–" : show(row.numbers[measure])));
    return make("tr", { "aria-selected": String(row.key === this.chosen), "data-key": row.key }, make("td", {}, name), make("td", {}, `step ${row.step}`), make("td", {}, visible(row.source)), numbers);
  }

  // ------------------------------------------------------------------ one problem

  /** @param {string} key */
  async choose(key) {
    this.chosen = key;
    this.map.mark(key);
    for (const row of this.rows.querySelectorAll("tr[data-key]")) row.setAttribute("aria-selected", String(row instanceof HTMLElement && row.dataset.key === key));
    try {
      const item = await this.host.source.ask({ kind: "stock_item", key });
      if (this.chosen === key) this.drawItem(item);
    } catch (error) {
      this.say(error instanceof Error ? error.message : String(error));
    }
  }

  /** @param {Item} item */
  drawItem({ key, step, source, prompt, answer, data, visits, origin }) {
    const from = origin.reason
      ? make("span", { class: "wb-muted" }, visible(origin.reason))
      : make("button", { type: "button", click: () => this.host.visit(origin) }, `${visible(origin.role) || "rollout"} #${origin.rollout} of step ${origin.step} →`);
    const facts = Object.entries(data).map(([name, value]) => make("span", {}, make("span", { class: "wb-muted" }, `${visible(name)} `), make("bdi", {}, visible(value))));
    this.item.hidden = false;
    this.item.replaceChildren(
      make("div", { class: "wb-stock-facts" }, make("b", {}, visible(key)), make("span", {}, `made at step ${step}${source ? ` · ${visible(source)}` : ""}${triedText(origin.tried ?? [])}`), make("span", {}, visitsText(visits)), make("span", {}, "made from ", from)),
      make("pre", {}, visible(prompt)), make("div", { class: "wb-stock-facts" }, make("span", {}, make("span", { class: "wb-muted" }, "answer "), make("b", {}, visible(answer))), facts));
  }

  close() { this.typed.stop(); }
}

/** @param {Host} host */
const section = (host) => new StockView(host);

export default section;
