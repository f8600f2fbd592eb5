/** "Problems": every problem that was asked over the steps, its pass rate as colour; a visit leads to its rollouts. */

import { Pager, choice, counted, debounced, percent } from "./parts.js";
import { make } from "../page/dom.js";
import { visible } from "../page/tokens.js";
import { Newest } from "../wire/newest.js";

/**
 * A cell is [column, newest step, attempts, successes].
 * @typedef {{ key: string, question: string, state: string, rate: number | null, attempts: number, visits: number, first: number | null, changed: number | null, cells: [number, number, number, number][] }} Row
 * @typedef {{ states: Record<string, number>, all: number, asked: number, total: number,
 *   start: number, first: number, stretch: number, places: number, notes: string[], rows: Row[] }} Window
 * @typedef {{ size: number | null, reason: string }} Pool
 * @typedef {import("../checkpoint/parts.js").Host} Host
 */

const ROWS = 30;
const ORDERS = /** @type {[string, string][]} */ (["first solved", "rate", "last change", "last asked", "visits", "name"].map((name) => [name, name]));
/** @type {Record<string, string>} */
const HELP = {
  learned: "at least half correct at the last visit, less at an earlier one",
  forgotten: "less than half correct at the last visit, at least half at an earlier one",
  "solved throughout": "at least half correct at every visit",
  "below one half": "less than half correct at every visit, but not never",
  "never solved": "no attempt was correct",
  "not graded": "no attempt was graded",
};

/** A cell in words. @param {[number, number, number, number]} cell @param {number} first @param {number} stretch */
export function cellText([column, step, attempts, successes], first, stretch) {
  const begin = first + column * stretch;
  const steps = stretch === 1 ? `step ${step}` : `steps ${begin} to ${begin + stretch - 1}, last ${step}`;
  return `${steps}: ${attempts ? `${successes} of ${attempts} correct` : "not graded"}`;
}

/** How many problems there are, and how many were never asked. @param {{ all: number, asked: number }} found @param {Pool | null} pool */
export function summaryText({ all, asked }, pool) {
  const never = !pool ? "" : pool.size === null ? pool.reason : `${Math.max(0, pool.size - asked).toLocaleString("en")} of the task's ${pool.size.toLocaleString("en")} problems never asked`;
  return [`${counted(all, "problem")} asked`, never].filter(Boolean).join(" · ");
}

export class LedgerView {
  /** @type {Window | null} */
  found = null;
  /** @type {Pool | null} */
  pool = null;

  /** @param {Host} host */
  constructor(host) {
    this.host = host;
    this.wanted = { order: "first solved", reverse: false, state: "", text: "", start: 0 };
    this.newest = new Newest((request) => host.source.ask(request), (found) => this.draw(found), (error) => this.say(error.message));
    this.summary = make("div", { class: "wb-ledger-states", role: "group", "aria-label": "what became of the problems" });
    this.status = make("p", { class: "wb-muted", role: "status" });
    this.table = make("div", { class: "wb-ledger", role: "grid", "aria-label": "problems over the steps; arrow keys move between visits, Enter shows the rollouts", keydown: (event) => this.pressed(event), click: (event) => this.clicked(event) });
    this.pager = new Pager(ROWS, (start) => this.ask({ start }));
    this.typed = debounced(() => this.ask({ text: this.box.value, start: 0 }));
    this.box = make("input", { type: "search", placeholder: "key contains…", "aria-label": "problems whose key contains", input: () => this.typed.call(), keydown: (event) => event.stopPropagation() });
    this.reverse = make("button", { type: "button", "aria-pressed": "false", title: "the greatest first", click: () => this.turn() }, "reversed");
    this.element = make("div", { class: "wb-memory" }, this.summary,
      make("div", { class: "wb-bar-line" }, choice("sort by", ORDERS, this.wanted.order, (order) => this.ask({ order, start: 0 })), this.reverse, this.box, this.pager.element, legend()),
      this.table, this.status);
  }

  async open() {
    await this.ask({});
    if (this.pool) return;
    this.pool = await this.host.source.ask({ kind: "ledger_pool" }).catch((/** @type {Error} */ { message }) => ({ size: null, reason: message }));
    this.sum();
  }

  refresh() { if (!this.table.contains(document.activeElement)) this.ask({}); }

  turn() {
    const reverse = !this.wanted.reverse;
    this.reverse.setAttribute("aria-pressed", String(reverse));
    this.ask({ reverse, start: 0 });
  }

  /** @param {Partial<LedgerView["wanted"]>} change */
  ask(change) {
    this.wanted = { ...this.wanted, ...change };
    return this.newest.request({ kind: "ledger", count: ROWS, ...this.wanted });
  }

  /** @param {string} text */
  say(text) { this.status.textContent = text; }

  /** @param {Window} found */
  draw(found) {
    this.found = found;
    this.drawStates(found);
    this.pager.show(found.start, found.rows.length, found.total);
    this.table.replaceChildren(...(found.rows.length ? [axis(found), ...found.rows.map((row) => this.row(row, found))] : []));
    this.table.querySelector(".wb-visit")?.setAttribute("tabindex", "0");
    this.sum();
  }

  sum() {
    if (!this.found) return;
    this.say([this.found.all ? summaryText(this.found, this.pool) : "No problem was asked yet: the ledger is written at the end of each step.", ...this.found.notes].join(" · "));
  }

  /** @param {Window} found */
  drawStates(found) {
    const held = this.summary.contains(document.activeElement);
    const chip = (/** @type {string} */ state, /** @type {number} */ count) => make("button", { type: "button", "aria-pressed": String(state === this.wanted.state), disabled: !count && state !== this.wanted.state, title: HELP[state] ?? "every problem that was asked",
      click: () => this.ask({ state, start: 0 }) }, `${state || "all"} ${count.toLocaleString("en")}`);
    this.summary.replaceChildren(chip("", found.all), ...Object.entries(found.states).map(([state, count]) => chip(state, count)));
    if (held) /** @type {HTMLElement | null} */ (this.summary.querySelector('[aria-pressed="true"]'))?.focus();
  }

  /** @param {Row} row @param {Window} found */
  row(row, found) {
    const label = visible(row.question || row.key);
    const cells = row.cells.map((cell) => {
      const [column, step, attempts, successes] = cell;
      const text = cellText(cell, found.first, found.stretch);
      return make("button", { type: "button", class: attempts ? successes ? "wb-visit" : "wb-visit wb-none" : "wb-visit wb-hatch", tabindex: -1, title: text, "aria-label": text, role: "gridcell",
        "data-step": step, "data-key": row.key, style: `left:${(100 * column) / found.places}%;width:${100 / found.places}%;--part:${attempts ? successes / attempts : 0}` });
    });
    const more = `${row.state} · ${counted(row.visits, "visit")}${row.first === null ? "" : ` · first solved at step ${row.first}`}${row.changed === null ? "" : ` · crossed one half at step ${row.changed}`}`;
    return make("div", { class: "wb-ledger-row", role: "row" },
      make("span", { class: "wb-ledger-name", role: "rowheader", title: `${visible(row.key)} · ${more}` }, make("bdi", {}, label)),
      make("span", { class: "wb-ledger-state wb-muted" }, row.state),
      make("span", { class: "wb-number" }, percent(row.rate)),
      make("span", { class: "wb-ledger-strip" }, cells));
  }

  // ------------------------------------------------------------------ visits

  /** @param {MouseEvent} event */
  clicked(event) {
    const cell = event.target instanceof Element ? event.target.closest(".wb-visit") : null;
    if (cell instanceof HTMLElement) this.visit(Number(cell.dataset.step), cell.dataset.key ?? "");
  }

  /** To the rollouts of a problem at a step. @param {number} step @param {string} key */
  async visit(step, key) {
    try {
      const board = await this.host.source.board(step);
      const entry = board.groups.find((/** @type {import("../wire/payload.js").BoardEntry} */ each) => each.problem === key && !each.role) ?? board.groups.find((/** @type {{ problem: string }} */ each) => each.problem === key);
      if (!entry) return this.say(`step ${step} has no rollouts of ${visible(key)} on record`);
      await this.host.visit({ step, group: entry.group });
    } catch (error) {
      this.say(error instanceof Error ? error.message : String(error));
    }
  }

  /** Arrow keys: along a problem's visits, and to the nearest visit of the next problem. @param {KeyboardEvent} event */
  pressed(event) {
    const here = document.activeElement;
    if (!(here instanceof HTMLElement) || !here.classList.contains("wb-visit")) return;
    const next = neighbour(here, event.key);
    if (next === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    if (!next) return;
    here.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
    next.scrollIntoView({ block: "nearest" });
  }

  close() { this.typed.stop(); }
}

/** The visit that a key leads to; null: there is none, undefined: the key is none of ours. @param {HTMLElement} here @param {string} key @returns {HTMLElement | null | undefined} */
function neighbour(here, key) {
  const along = /** @type {Record<string, Element | null | undefined>} */ ({ ArrowRight: here.nextElementSibling, ArrowLeft: here.previousElementSibling,
    Home: here.parentElement?.firstElementChild, End: here.parentElement?.lastElementChild });
  if (key in along) return /** @type {HTMLElement | null} */ (along[key] ?? null);
  if (key !== "ArrowDown" && key !== "ArrowUp") return undefined;
  const rows = [...(here.closest(".wb-ledger")?.querySelectorAll(".wb-ledger-row") ?? [])];
  const at = rows.indexOf(/** @type {Element} */ (here.closest(".wb-ledger-row")));
  const others = key === "ArrowDown" ? rows.slice(at + 1) : rows.slice(0, at).reverse();
  const row = others.find((each) => each.querySelector(".wb-visit"));
  const left = parseFloat(here.style.left);
  const cells = /** @type {HTMLElement[]} */ ([...(row?.querySelectorAll(".wb-visit") ?? [])]);
  return cells.reduce((/** @type {HTMLElement | null} */ best, each) => (best && Math.abs(parseFloat(best.style.left) - left) <= Math.abs(parseFloat(each.style.left) - left) ? best : each), null);
}

/** The head of the table, with the steps. @param {Window} found */
function axis({ first, stretch, places }) {
  const marks = [...new Set([0, Math.floor((places - 1) / 2), places - 1])];
  return make("div", { class: "wb-ledger-head wb-muted", role: "row" },
    ["problem", "", "rate"].map((text) => make("span", { role: "columnheader" }, text)),
    make("span", { class: "wb-ledger-strip", role: "columnheader", "aria-label": `steps ${first} to ${first + places * stretch - 1}` },
      marks.map((column) => make("span", { class: "wb-ledger-tick", style: `left:${(100 * (column + 0.5)) / places}%` }, column || first ? `step ${first + column * stretch}` : "survey"))));
}

/** What the colours mean. */
function legend() {
  const box = (/** @type {string} */ name, /** @type {number} */ part) => make("span", { class: `wb-visit ${name}`, style: `--part:${part}` });
  return make("span", { class: "wb-ledger-legend wb-muted" }, box("wb-none", 0), "none correct", box("", 0.25), box("", 0.5), box("", 1), "all correct", box("wb-hatch", 0), "not graded");
}

/** @param {Host} host */
const section = (host) => new LedgerView(host);

export default section;
