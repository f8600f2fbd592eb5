/** A page of `workbench serve`: the runs of a folder, or one run as the notebook shows it. */

import { dashboard } from "../dashboard/dashboard.js";
import { followTheme, make } from "../page/dom.js";
import { stateText } from "../dashboard/head.js";
import { KernelSource } from "../wire/source.js";

const PAUSE = 2_000; // milliseconds between two requests for the list
const MOST = 100; // rows of the list

/**
 * @typedef {{ name: string, verdict: string, text: string, phase?: string, step?: number, total?: number, method?: string, accuracy?: number | null, started: number }} Row
 * @typedef {{ rows: Row[], all: number, total: number, note: string }} Rows
 */

/** The address of a run's page. @param {string} run @param {string} [step] */
function addressOf(run, step) {
  return `?${new URLSearchParams(step ? { run, step } : { run })}`;
}

/** Seconds since the epoch, for people. @param {number} seconds */
function clock(seconds) {
  return new Date(1000 * seconds).toLocaleString([], { year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" });
}

/** A run in the list. @param {Row} row */
function line(row) {
  const share = row.total ? (100 * (row.step ?? 0)) / row.total : 0;
  const bar = row.total ? make("span", { class: "wb-progress", "aria-hidden": "true" }, make("span", { style: `width:${share}%` })) : null;
  const words = row.text ? make("div", { class: "wb-muted wb-words" }, row.text) : null;
  return make("tr", {},
    make("td", {}, make("a", { href: addressOf(row.name) }, row.name), words),
    make("td", {}, make("span", { class: "wb-state", "data-verdict": row.verdict }, stateText({ verdict: row.verdict || "…", phase: row.phase ?? "" }))),
    make("td", { class: "wb-number" }, bar, row.total ? `${row.step} of ${row.total}` : ""),
    make("td", { class: "wb-number" }, typeof row.accuracy === "number" ? `${(100 * row.accuracy).toFixed(1)} %` : ""),
    make("td", {}, row.method ?? ""),
    make("td", { class: "wb-muted wb-number" }, clock(row.started)));
}

/** The runs of a folder, refreshed repeatedly. */
class List {
  /** @param {HTMLElement} root @param {any} model @param {string} folder */
  constructor(root, model, folder) {
    this.source = new KernelSource(model);
    this.folder = folder;
    this.shown = "";
    this.finder = make("input", { type: "search", placeholder: "filter by name", "aria-label": "filter by name", input: () => this.refresh() });
    this.status = make("span", { class: "wb-muted", role: "status" });
    this.body = make("tbody", {});
    const names = ["run", "state", "step", "accuracy", "method", "started"];
    this.table = make("table", { class: "wb-runs", hidden: true },
      make("thead", {}, make("tr", {}, names.map((name) => make("th", { scope: "col" }, name)))), this.body);
    root.append(make("div", { class: "wb-finder" }, this.finder, this.status), this.table);
    this.refresh();
  }

  async refresh() {
    clearTimeout(this.timer);
    const text = this.finder.value;
    try {
      const found = await this.source.ask({ kind: "runs", text, count: MOST });
      if (text === this.finder.value) this.draw(found);
    } catch (error) {
      this.status.textContent = `The runs cannot be listed: ${/** @type {Error} */ (error).message}`;
    }
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.refresh(), PAUSE);
  }

  /** Redraws only what changed, so that the focus stays. @param {Rows} found */
  draw(found) {
    const key = JSON.stringify(found.rows);
    this.status.textContent = this.summary(found);
    this.table.hidden = !found.rows.length;
    if (key === this.shown) return;
    this.shown = key;
    const held = document.activeElement?.closest(".wb-runs a")?.getAttribute("href");
    this.body.replaceChildren(...found.rows.map(line));
    if (held) /** @type {HTMLElement | null} */ (this.body.querySelector(`a[href="${CSS.escape(held)}"]`))?.focus();
  }

  /** @param {Rows} found */
  summary({ rows, all, total, note }) {
    if (!all) return `No runs in ${this.folder} yet. This page shows the first one as soon as it exists; start one with: workbench demo --out ${this.folder}`;
    const count = total > rows.length ? `the newest ${rows.length} of ${total.toLocaleString()} runs; filter by name to find others` : `${total} ${total === 1 ? "run" : "runs"}`;
    return [count, note].filter(Boolean).join(". ");
  }
}

/** A button that makes the page's address lead to the step that is shown, and copies it. @param {HTMLElement} root @param {string} run */
function sharing(root, run) {
  const status = make("span", { class: "wb-muted", role: "status" });
  const share = async () => {
    const step = /** @type {HTMLSelectElement | null} */ (root.querySelector('select[aria-label="step"]'))?.value;
    history.replaceState(null, "", addressOf(run, step));
    const place = step ? `step ${step}` : "this run";
    try {
      await navigator.clipboard.writeText(location.href);
      status.textContent = `link to ${place} copied`;
    } catch { // the browser does not allow copying
      status.textContent = `the address of this page now opens ${place}`;
    }
  };
  return [make("button", { type: "button", click: share, title: "copies a link for others who have access" }, "Copy link to this step"), status];
}

/** The line above everything. @param {any} shown @param {HTMLElement} root */
function head(shown, root) {
  const kind = make("span", { class: "wb-badge", title: shown.control ? "runs can be controlled from this page" : "this page cannot control runs" }, shown.control ? "control" : "read-only");
  if (shown.page === "runs") return make("header", { class: "wb-page-head" }, make("h1", {}, `Runs in ${shown.folder}`), make("span", { class: "wb-spring" }), kind);
  const more = shown.page === "run" ? sharing(root, shown.run) : [];
  return make("nav", { class: "wb-page-head", "aria-label": "page" }, make("a", { href: "./", title: shown.folder }, "← all runs"), make("span", { class: "wb-spring" }), more, kind);
}

/**
 * The model shared with the server; after the connection is lost the page says so and sends no more requests.
 * @param {any} model @param {HTMLElement} root
 */
function connected(model, root) {
  let lost = false;
  const words = "Connection to the server lost: this page is no longer updated. Reload it; if that fails, start workbench serve again.";
  const bokeh = /** @type {any} */ (window).Bokeh;
  bokeh.documents[0].on_event("connection_lost", () => {
    if (!lost) root.prepend(make("p", { class: "wb-lost", role: "alert" }, words));
    lost = true;
  });
  return {
    get: (/** @type {string} */ name) => model.get(name),
    set: (/** @type {string} */ name, /** @type {any} */ value) => model.set(name, value),
    save_changes: () => { if (!lost) model.save_changes(); },
    on: (/** @type {string} */ event, /** @type {() => void} */ handler) => model.on(event, handler),
    off: (/** @type {string} */ event, /** @type {() => void} */ handler) => model.off(event, handler),
  };
}

/** Into the page itself, not into the tree that Panel gives: focus and selection work there as in a notebook. @param {{ model: any }} given */
function render({ model: given }) {
  const shown = given.get("shown");
  const root = make("div", { class: "wb wb-page", "data-control": String(shown.control) });
  document.title = shown.run || `Runs in ${shown.folder}`;
  document.getElementById("workbench")?.append(root);
  followTheme(root);
  const model = connected(given, root);
  let received = 0;
  model.on("change:answer", () => { model.set("received", (received += 1)); model.save_changes(); });
  root.append(head(shown, root));
  if (shown.page === "runs") new List(root, model, shown.folder);
  else if (shown.page === "run") dashboard.render({ model, el: root });
  else root.append(make("p", { class: "wb-note", role: "alert" }, shown.text));
}

export default { render };
