/** All runs below a folder: their list, and the curves of the chosen ones over each other. */

import { Charts } from "../charts/charts.js";
import { followTheme, keepKeys, make } from "../page/dom.js";
import { parties } from "../charts/pictures.js";
import { RunTable } from "./table.js";
import { KernelSource } from "../wire/source.js";

/** @typedef {import("./row.js").Row} Row */

const EVERY = 2_000; // milliseconds between two looks at the rows in view
const SOON = 150; // where some were not read yet
const REST = 200; // milliseconds of rest after a key in the filter
const MOST = 24; // runs whose curves lie over each other
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
      want: () => this.look(), sort: (order) => this.sort(order), open: (row) => this.open(row), pick: (row) => this.pick(row),
      seeds: (experiment) => this.seeds(experiment), marks: (row) => this.marks(row) });
    this.told = make("p", { class: "wb-note", role: "status", hidden: true });
    this.overlay = make("div", { class: "wb-overlay", hidden: true });
    this.root.append(this.told, this.overlay);
    this.charts = new Charts(this.overlay);
    this.table.sorted("started", false);
    this.changed = () => this.table.draw();
    model.on("change:chosen", this.changed);
    this.look();
  }

  filters() {
    const text = make("input", { type: "search", placeholder: "filter by name", "aria-label": "filter by name", input: () => {
      clearTimeout(this.typing);
      this.typing = setTimeout(() => this.want({ text: text.value }), REST);
    } });
    const state = make("select", { "aria-label": "filter by state", change: () => this.want({ state: state.value }) },
      make("option", { value: "" }, "every state"), STATES.map((each) => make("option", {}, each)));
    return [text, state];
  }

  // ------------------------------------------------------------------ the list

  /** @param {Partial<{ text: string, state: string, order: string, reverse: boolean }>} change */
  want(change) {
    this.wanted = { ...this.wanted, ...change };
    this.table.restart();
    this.table.sorted(this.wanted.order, this.wanted.reverse);
    this.look();
  }

  /** The same order again turns it round. @param {string} order */
  sort(order) { this.want({ order, reverse: this.wanted.order === order && !this.wanted.reverse }); }

  /** Asks for the rows in view, now and again; one question at a time. */
  async look() {
    clearTimeout(this.timer);
    if (this.asking) {
      this.again = true;
      return;
    }
    this.asking = true;
    let pause = EVERY;
    try {
      if (!document.hidden) pause = await this.read();
    } catch (error) {
      this.tell(`The list cannot be read: ${error instanceof Error ? error.message : error}`);
    }
    this.asking = false;
    if (this.closed) return;
    this.timer = setTimeout(() => this.look(), this.again ? 0 : pause);
    this.again = false;
  }

  /** Answers how long to wait for the next look. */
  async read() {
    const asked = this.wanted;
    const found = await this.source.ask({ kind: "runs", ...asked, ...this.table.window });
    if (asked !== this.wanted) return 0;
    this.table.update(found);
    const of = found.total === found.all ? "" : ` of ${found.all.toLocaleString("en")}`;
    this.count.textContent = `${found.total.toLocaleString("en")}${of} run${found.all === 1 ? "" : "s"}`;
    this.tell(found.told || (found.all ? found.total ? "" : "No run matches." : "No run lies here yet."));
    await this.readCurves();
    return found.rows.some((/** @type {Row} */ row) => !row.verdict) ? SOON : EVERY;
  }

  /** @param {string} text */
  tell(text) {
    if (this.told.textContent !== text) this.told.textContent = text;
    this.told.hidden = !text;
  }

  /** @param {Row} row */
  open(row) {
    this.model.set("chosen", row.path);
    this.model.save_changes();
  }

  // ------------------------------------------------------------------ curves over each other

  /** @param {Row} row */
  marks(row) {
    const chosen = this.picked.has(row.path) ? this.colours().get(row.path) ?? 0 : null;
    return { chosen, full: this.picked.size >= MOST, open: this.model.get("chosen") === row.path };
  }

  /** @param {Row} row */
  pick(row) {
    if (this.picked.has(row.path)) this.picked.delete(row.path);
    else if (this.picked.size < MOST) this.picked.set(row.path, { row });
    else this.tell(`${MOST} runs are the most whose curves lie over each other: take one away first.`);
    this.shown();
    this.look();
  }

  /** Chooses every run of an experiment, or takes all away where all are chosen. @param {string} experiment */
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

  /** What the charts are given: an entry a chosen run, empty until its curves are there. */
  runs() {
    return [...this.picked.values()].map(({ row, curves }) => ({ columns: {}, ...curves, name: row.name, key: row.path, experiment: row.experiment }));
  }

  /** The colour of every chosen run. @returns {Map<string, number>} */
  colours() {
    return new Map(parties(this.runs()).flatMap(({ colour, runs }) => runs.map(({ key }) => /** @type {[string, number]} */ ([key, colour]))));
  }

  shown() {
    const count = this.picked.size;
    this.overlay.hidden = !count;
    this.clear.hidden = !count;
    this.clear.textContent = `clear ${count} chosen`;
    if (count) this.charts.show(this.runs());
  }

  /** Reads the curves of the chosen runs that changed. */
  async readCurves() {
    let changed = false;
    for (const [path, entry] of [...this.picked]) {
      try {
        const found = await this.source.ask({ kind: "run_curves", path, mark: entry.mark });
        if (found.same) continue;
        if (this.picked.has(path)) this.picked.set(path, { ...entry, mark: found.mark, curves: found });
        changed = true;
      } catch (error) {
        this.tell(`${entry.row.name}: ${error instanceof Error ? error.message : error}`);
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
