/** All runs below a folder: their list, and the overlaid curves of the selected ones. */

import { Charts } from "../charts/charts.js";
import { followTheme, keepKeys, make } from "../page/dom.js";
import { runGroups } from "../charts/chart_data.js";
import { RunTable } from "./table.js";
import { KernelSource } from "../wire/source.js";

/** @typedef {import("./row.js").Row} Row */

const EVERY = 2_000; // milliseconds between two requests for the visible rows
const SOON = 150; // while some rows are not read yet
const REST = 200; // milliseconds after the last key in the filter
const MOST = 24; // runs whose curves can be overlaid
const STATES = ["running", "slow", "stalled", "paused", "dead", "finished", "stopped", "failed", "queued", "starting", "unreadable"];

class RunsView {
  /** @param {any} model @param {HTMLElement} el */
  constructor(model, el) {
    this.model = model;
    this.root = make("div", { class: "wb wb-list" });
    el.append(this.root);
    this.unfollow = followTheme(this.root);
    this.release = keepKeys(this.root);
    this.source = new KernelSource(model);
    this.wanted = { text: "", state: "", order: "started", reverse: false };
    /** @type {Map<string, { row: Row, mark?: string, curves?: any }>} */
    this.picked = new Map();
    this.count = make("span", { class: "wb-muted wb-number", role: "status" });
    this.clear = make("button", { type: "button", hidden: true, click: () => this.unpick() });
    this.root.append(make("div", { class: "wb-list-head" }, make("b", { class: "wb-run-name" }, model.get("folder")), this.filters(), this.count, make("span", { class: "wb-spring" }), this.clear));
    this.table = new RunTable(this.root, {
      want: () => this.refresh(), sort: (order) => this.sort(order), open: (row) => this.open(row), pick: (row) => this.pick(row),
      seeds: (experiment) => this.seeds(experiment), marks: (row) => this.marks(row) });
    this.notice = make("p", { class: "wb-note", role: "status", hidden: true });
    this.overlay = make("div", { class: "wb-overlay", hidden: true });
    this.root.append(this.notice, this.overlay);
    this.charts = new Charts(this.overlay);
    this.table.sorted("started", false);
    this.changed = () => this.table.draw();
    model.on("change:chosen", this.changed);
    this.refresh();
  }

  filters() {
    const text = make("input", { type: "search", placeholder: "filter by name", "aria-label": "filter by name", input: () => {
      clearTimeout(this.typing);
      this.typing = setTimeout(() => this.want({ text: text.value }), REST);
    } });
    const state = make("select", { "aria-label": "filter by state", change: () => this.want({ state: state.value }) },
      make("option", { value: "" }, "all states"), STATES.map((each) => make("option", {}, each)));
    return [text, state];
  }

  // ------------------------------------------------------------------ the list

  /** @param {Partial<{ text: string, state: string, order: string, reverse: boolean }>} change */
  want(change) {
    this.wanted = { ...this.wanted, ...change };
    this.table.restart();
    this.table.sorted(this.wanted.order, this.wanted.reverse);
    this.refresh();
  }

  /** Sorts by a column; the same column again reverses the order. @param {string} order */
  sort(order) { this.want({ order, reverse: this.wanted.order === order && !this.wanted.reverse }); }

  /** Requests the visible rows, repeatedly; one request at a time. */
  async refresh() {
    clearTimeout(this.timer);
    if (this.waiting) {
      this.again = true;
      return;
    }
    this.waiting = true;
    let pause = EVERY;
    try {
      if (!document.hidden) pause = await this.read();
    } catch (error) {
      this.notify(`The list cannot be read: ${error instanceof Error ? error.message : error}`);
    }
    this.waiting = false;
    if (this.closed) return;
    this.timer = setTimeout(() => this.refresh(), this.again ? 0 : pause);
    this.again = false;
  }

  /** Reads the rows; returns how long to wait before the next request. */
  async read() {
    const asked = this.wanted;
    const found = await this.source.ask({ kind: "runs", ...asked, ...this.table.window });
    if (asked !== this.wanted) return 0;
    this.table.update(found);
    const of = found.total === found.all ? "" : ` of ${found.all.toLocaleString("en")}`;
    this.count.textContent = `${found.total.toLocaleString("en")}${of} run${found.all === 1 ? "" : "s"}`;
    this.notify(found.note || (found.all ? found.total ? "" : "No run matches." : "No runs here yet."));
    await this.readCurves();
    return found.rows.some((/** @type {Row} */ row) => !row.verdict) ? SOON : EVERY;
  }

  /** @param {string} text */
  notify(text) {
    if (this.notice.textContent !== text) this.notice.textContent = text;
    this.notice.hidden = !text;
  }

  /** @param {Row} row */
  open(row) {
    this.model.set("chosen", row.path);
    this.model.save_changes();
  }

  // ------------------------------------------------------------------ overlaid curves

  /** @param {Row} row */
  marks(row) {
    const chosen = this.picked.has(row.path) ? this.colours().get(row.path) ?? 0 : null;
    return { chosen, full: this.picked.size >= MOST, open: this.model.get("chosen") === row.path };
  }

  /** @param {Row} row */
  pick(row) {
    if (this.picked.has(row.path)) this.picked.delete(row.path);
    else if (this.picked.size < MOST) this.picked.set(row.path, { row });
    else this.notify(`At most ${MOST} runs can be overlaid: deselect one first.`);
    this.shown();
    this.refresh();
  }

  /** Selects every run of an experiment, or deselects all where all are selected. @param {string} experiment */
  async seeds(experiment) {
    const found = await this.source.ask({ kind: "runs", text: `${experiment}/`, order: "name", start: 0, count: 100 });
    const rows = /** @type {Row[]} */ (found.rows).filter((row) => row.experiment === experiment);
    const all = rows.every((row) => this.picked.has(row.path));
    for (const row of rows) if (this.picked.has(row.path) === all) this.pick(row);
  }

  unpick() {
    this.picked.clear();
    this.shown();
    this.table.draw();
  }

  /** The input of the charts: an entry per selected run, empty until its curves are loaded. */
  runs() {
    return [...this.picked.values()].map(({ row, curves }) => ({ columns: {}, ...curves, name: row.name, key: row.path, experiment: row.experiment }));
  }

  /** The colour of every selected run. @returns {Map<string, number>} */
  colours() {
    return new Map(runGroups(this.runs()).flatMap(({ colour, runs }) => runs.map(({ key }) => /** @type {[string, number]} */ ([key, colour]))));
  }

  shown() {
    const count = this.picked.size;
    this.overlay.hidden = !count;
    this.clear.hidden = !count;
    this.clear.textContent = `clear selection (${count})`;
    if (count) this.charts.show(this.runs());
  }

  /** Reads the curves of the selected runs that changed. */
  async readCurves() {
    let changed = false;
    for (const [path, entry] of [...this.picked]) {
      try {
        const found = await this.source.ask({ kind: "run_curves", path, mark: entry.mark });
        if (found.same) continue;
        if (this.picked.has(path)) this.picked.set(path, { ...entry, mark: found.mark, curves: found });
        changed = true;
      } catch (error) {
        this.notify(`${entry.row.name}: ${error instanceof Error ? error.message : error}`);
      }
    }
    if (changed) this.shown();
  }

  close() {
    this.closed = true;
    for (const timer of [this.timer, this.typing]) clearTimeout(timer);
    this.model.off("change:chosen", this.changed);
    this.table.close();
    this.charts.close();
    this.source.close();
    this.unfollow();
    this.release();
    this.root.remove();
  }
}

export default {
  /** @param {{ model: any, el: HTMLElement }} given */
  render({ model, el }) {
    const view = new RunsView(model, el);
    return () => view.close();
  },
};
