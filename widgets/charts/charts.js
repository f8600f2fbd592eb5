/** Curves of one or several runs as small charts with a common cursor; events are vertical lines; the numbers are in a table too. */

import { Chart, eventText, kindText } from "./chart.js";
import { derived, nearestPlace } from "./curves.js";
import { isShortcut, make } from "../page/dom.js";
import { eventsOf, marked, legendText, runGroups, chartData, seriesOf } from "./chart_data.js";
import { show } from "../page/signals.js";

/** @typedef {import("./chart_data.js").Spec} Spec @typedef {import("./chart_data.js").Shown} Shown */

const MOST_ROWS = 300; // of the table
const MANY = 24; // events of several runs: more are short marks until the reader wants them

/** @type {Spec[]} */
export const CHARTS = [
  { title: "Held-out accuracy", share: true, series: { accuracy: "accuracy" } },
  { title: "Correct", help: "share of all sampled rollouts that are correct, those of groups that a filter removed included", share: true, series: { correct: "share" }, more: /^correct\./, lone: true },
  { title: "Reward", zero: true, series: { reward: "mean" }, more: /^reward\./ },
  { title: "Groups trained on", help: "groups that passed the method's filters, and all groups that were sampled for them", zero: true, series: { groups: "trained on", groups_sampled: "sampled" } },
  { title: "Loss", help: "mean over the updates; a surrogate: its gradient counts, its value says little", series: { loss: "loss" } },
  { title: "Gradient norm", help: "before clipping, mean over the updates", zero: true, log: true, series: { grad_norm: "norm" } },
  { title: "Entropy", unit: "nats", zero: true, log: true, series: { entropy: "entropy" }, more: /^entropy\./, lone: true },
  { title: "Length", unit: "tokens", zero: true, log: true, series: { length: "mean" }, more: /^length\./, lone: true },
  { title: "Zero-variance groups", late: true, help: "share of groups whose rollouts all have the same reward: group-relative advantages are zero there", share: true, series: { zero_variance_groups: "share" } },
  { title: "Tokens without gradient", late: true, help: "share of tokens with a non-zero advantage and zero gradient: clipped by the ratio bounds, or masked by the method", share: true, fit: true, series: { zero_gradient_tokens: "share" } },
  { title: "Trainer–inference mismatch", late: true, help: "absolute difference between the log-probs of the inference engine and of the trainer, per token", unit: "nats", zero: true, log: true, series: { mismatch_mean: "mean", mismatch_p99: "99th percentile" } },
  { title: "KL to the reference", late: true, unit: "nats", zero: true, log: true, series: { kl: "KL" }, more: /^kl\./, lone: true },
  { title: "Negative log-likelihood", late: true, help: "mean negative log-prob of the tokens of given completions, before the update", unit: "nats", zero: true, log: true, series: { nll: "given completions" } },
  { title: "Truncated", late: true, help: "share of rollouts that reached max_tokens", share: true, fit: true, series: { truncated: "share" } },
  { title: "Tokens saved by pruning", late: true, help: "estimated as if pruned rollouts had become as long as the others", share: true, fit: true, series: { saved: "share" } },
  { title: "Learning rate", late: true, zero: true, log: true, series: { learning_rate: "rate" } },
  { title: "Seconds by phase", late: true, unit: "s", zero: true, stacked: true, series: {
    "seconds.generate": "generate", "seconds.reward": "reward", "seconds.score": "score", "seconds.update": "update", "seconds.record": "record", "seconds.evaluate": "evaluate", "seconds.checkpoint": "checkpoint", "seconds.sync": "sync" } },
];

export class Charts {
  /** @param {HTMLElement} root @param {{ choose?: (step: number) => void, beside?: HTMLElement }} [hooks] `choose` is called when a step is clicked; `beside` is shown above the curves */
  constructor(root, hooks = {}) {
    this.hooks = hooks;
    /** @type {Shown[]} */
    this.runs = [];
    /** @type {number | null} */
    this.chosen = null;
    this.charts = CHARTS.map((spec) => new Chart(spec, this));
    this.log = make("button", { type: "button", "aria-pressed": "false", title: "logarithmic axis; shares stay linear", click: () => this.toggleLog() }, "log scale");
    /** @type {boolean | null} null: by how many there are */
    this.unfolded = null;
    this.unfold = make("button", { type: "button", hidden: true, click: () => this.fold() });
    this.later = make("button", { type: "button", "aria-expanded": "false", click: () => this.openLater() });
    this.key = make("div", { class: "wb-run-groups" });
    this.readout = make("span", { class: "wb-event-text", role: "status", "aria-live": "polite" });
    this.grid = make("div", { class: "wb-charts", tabindex: 0, role: "group", keydown: (event) => this.pressed(event),
      "aria-label": "curves; left and right move the cursor, Enter opens the rollouts of its step" });
    this.waiting = make("p", { class: "wb-note" }, "No metrics yet: the first step is still running.");
    this.note = make("p", { class: "wb-note wb-passed" });
    this.which = make("select", { "aria-label": "curves in the table", change: () => this.drawTable() }, make("option", { value: "" }, "all curves"), CHARTS.map(({ title }) => make("option", {}, title)));
    this.rows = make("div", { class: "wb-rows" });
    this.table = make("details", { class: "wb-table", toggle: () => this.drawTable() }, make("summary", {}, "Numbers as a table"), this.which, this.rows);
    this.eventTitle = make("summary", {}, "Events");
    this.eventLog = make("details", { class: "wb-table", toggle: () => this.drawEvents() }, this.eventTitle, make("ul", { class: "wb-events" }));
    const head = make("div", { class: "wb-curves-head" }, hooks.beside, this.key, this.readout, this.unfold, this.later, this.log);
    this.element = make("section", { class: "wb-curves", "aria-label": "curves" }, head, this.waiting, this.grid, this.note, make("div", { class: "wb-more" }, this.table, this.eventLog));
    root.append(this.element);
    this.sizes = new ResizeObserver(() => this.resize());
    this.sizes.observe(this.grid);
  }

  /** Redraws when the charts have changed their width. */
  resize() {
    const width = Math.round(this.drawn?.[0]?.element.clientWidth ?? 0);
    if (!width || this.charts.every((chart) => chart.width === width)) return;
    for (const chart of this.charts) chart.width = width;
    this.redraw();
  }

  close() { this.sizes.disconnect(); }

  /** The curves of one run. @param {import("./curves.js").Curves} data */
  update(data) { this.show([{ name: "", ...data }]); }

  /** Several runs over each other; those of one experiment are its seeds. @param {Shown[]} runs */
  show(runs) {
    const coloured = runGroups(runs).flatMap(({ colour, runs: members }) => members.map((run) => ({ ...run, colour })));
    this.runs = coloured.filter(({ columns }) => columns.step?.length).map((run) => ({ ...run, columns: derived(run.columns) }));
    this.steps = this.runs.reduce((/** @type {ArrayLike<number>} */ longest, { columns }) => (columns.step.length > longest.length ? columns.step : longest), []);
    this.waiting.hidden = this.runs.length > 0;
    this.log.hidden = !this.runs.length;
    this.key.replaceChildren(...(runs.length > 1 ? runGroups(runs).map((runGroup) => make("span", { class: `wb-tag wb-c${runGroup.colour}` }, legendText(runGroup))) : []));
    this.showNotes();
    this.redraw();
  }

  redraw() {
    const events = marked(eventsOf(this.runs));
    const folded = this.runs.length > 1 && !(this.unfolded ?? events.length <= MANY);
    this.unfold.hidden = this.runs.length < 2 || !events.length;
    this.unfold.textContent = `${events.length} event${events.length === 1 ? "" : "s"}`;
    this.unfold.title = folded ? "draw the events over the whole height" : "draw the events as short marks";
    this.unfold.setAttribute("aria-pressed", String(!folded));
    const last = Math.max(...this.runs.map(({ columns }) => columns.step[columns.step.length - 1]));
    const first = Math.min(...this.runs.map(({ columns }) => columns.step[0]));
    const known = this.runs.length ? this.charts.filter(({ spec }) => this.runs.some(({ columns }) => seriesOf(spec, columns).length)) : [];
    this.countLater(known.filter(({ spec }) => spec.late).length);
    this.drawn = known.filter((chart) => {
      if (chart.spec.late && !this.late) return false;
      const found = chartData(chart.spec, this.runs);
      if (found.lines.length) chart.update(found, axis(chart.spec, found, [first, Math.max(last, first + 1)], this.logarithmic), events, folded);
      return found.lines.length > 0;
    });
    const wanted = this.drawn.map((chart) => chart.element);
    if (wanted.length !== this.grid.children.length || wanted.some((element, place) => this.grid.children[place] !== element)) this.grid.replaceChildren(...wanted);
    this.resize();
    this.mark(this.chosen);
    this.drawTable();
    this.drawEvents();
  }

  /** Whether the later curves are shown. */
  get late() { return this.later.getAttribute("aria-expanded") === "true"; }

  openLater() {
    this.later.setAttribute("aria-expanded", String(!this.late));
    this.redraw();
  }

  /** @param {number} count */
  countLater(count) {
    this.later.hidden = !count;
    this.later.textContent = this.late ? "fewer curves" : `${count} more curve${count === 1 ? "" : "s"}`;
  }

  get logarithmic() { return this.log.getAttribute("aria-pressed") === "true"; }

  toggleLog() {
    this.log.setAttribute("aria-pressed", String(!this.logarithmic));
    this.redraw();
  }

  /** Events over the whole height, or as short marks. */
  fold() {
    this.unfolded = this.unfold.getAttribute("aria-pressed") === "false";
    this.redraw();
  }

  /** The cursor of every chart; null takes it away. @param {number | null} step @param {import("./curves.js").RunEvent} [event] */
  point(step, event) {
    const place = step === null || !this.steps?.length ? null : nearestPlace(this.steps, step);
    this.cursor = place;
    for (const chart of this.drawn ?? []) chart.point(place === null ? null : Number(this.steps?.[place]));
    this.readout.textContent = event ? eventText(event) : (place === null ? "" : `step ${this.steps?.[place]}`);
  }

  /** @param {KeyboardEvent} event */
  pressed(event) {
    const count = this.steps?.length ?? 0;
    const [stride, now] = [event.shiftKey ? 10 : 1, this.cursor ?? count];
    const wanted = { ArrowLeft: now - stride, ArrowRight: now + stride, Home: 0, End: count - 1 }[event.key];
    if (!count || event.target !== this.grid || isShortcut(event)) return;
    if (wanted !== undefined) this.walk(Number(this.steps?.[Math.max(0, Math.min(count - 1, wanted))]));
    else if (event.key === "Enter" && this.cursor !== null && this.cursor !== undefined) this.choose(Number(this.steps?.[this.cursor]));
    else if (event.key === "Escape") this.point(null);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Moves the cursor to a step, and names its newest event. @param {number} step */
  walk(step) {
    this.point(step, marked(eventsOf(this.runs)).findLast((event) => event.step === step));
  }

  /** @param {number} step */
  choose(step) { this.hooks.choose?.(step); }

  /** The step whose rollouts are shown. @param {number | null} step */
  mark(step) {
    this.chosen = step;
    for (const chart of this.drawn ?? []) chart.mark(step);
  }

  /** Notes on what could not be read, and what was thinned. */
  showNotes() {
    const stretch = Math.max(1, ...this.runs.map((run) => run.stretch ?? 1));
    const thinned = stretch > 1 ? [`Long run: the minimum and the maximum of every ${stretch} steps are shown.`] : [];
    const text = [...new Set([...thinned, ...this.runs.flatMap((run) => run.notes ?? [])])].join(" ");
    this.note.textContent = text;
    this.note.hidden = !text;
  }

  drawTable() {
    if (!this.table.open || !this.runs.length) return;
    const { columns } = this.runs[0];
    const spec = CHARTS.find(({ title }) => title === this.which.value);
    const known = spec ? seriesOf(spec, columns).map(([name]) => name) : Object.keys(columns).filter((name) => name !== "step");
    const names = ["step", ...known];
    const count = columns.step.length;
    const rows = Array.from({ length: Math.min(count, MOST_ROWS) }, (_, back) => count - 1 - back);
    const cell = (/** @type {string} */ name, /** @type {number} */ row) => (Number.isFinite(columns[name][row]) ? name === "step" ? String(columns.step[row]) : show(columns[name][row], 4) : "–");
    const many = this.runs.length > 1 ? make("p", { class: "wb-note" }, `Numbers of ${this.runs[0].name}, the first of the chosen runs.`) : "";
    this.rows.replaceChildren(many, make("table", {},
      make("thead", {}, make("tr", {}, names.map((name) => make("th", { scope: "col" }, name)))),
      make("tbody", {}, rows.map((row) => make("tr", {}, names.map((name) => make("td", {}, cell(name, row))))))));
  }

  drawEvents() {
    const events = eventsOf(this.runs);
    this.eventLog.hidden = !events.length;
    const alarms = events.filter(({ kind }) => kind === "alarm").length;
    this.eventTitle.replaceChildren("Events", ...(alarms ? [make("b", { class: "wb-alarms" }, ` · ${alarms} ${alarms === 1 ? "alarm" : "alarms"}`)] : []));
    if (!this.eventLog.open) return;
    this.eventLog.lastElementChild?.replaceChildren(...[...events].reverse().map(({ step, kind, text, action, run, colour }) =>
      make("li", {}, run ? make("span", { class: `wb-tag wb-c${colour}` }, `${run} `) : null, make("span", { class: "wb-muted" }, step === null || step < 0 ? "" : ` step ${step} `), make("b", { class: kind === "alarm" ? "wb-alarms" : null }, kindText({ kind, action })), ` ${text ?? ""}`)));
  }
}

/** Limits of the axes. @param {Spec} spec @param {import("./chart_data.js").ChartData} found @param {[number, number]} steps @param {boolean} wanted logarithmic */
export function axis(spec, found, [first, last], wanted) {
  const values = [...found.lines.flatMap(({ points }) => points.map(([, value]) => value)), ...found.bands.flatMap(({ points }) => points.flatMap(([, low, high]) => [low, high]))];
  const positive = values.filter((value) => value > 0).sort((one, other) => one - other);
  if (wanted && spec.log && positive.length) {
    const low = 10 ** Math.floor(Math.log10(positive[0]));
    return { first, last, low, high: Math.max(10 ** Math.ceil(Math.log10(positive[positive.length - 1]) - 1e-9), 10 * low), log: true };
  }
  const most = values.reduce((one, other) => Math.max(one, other), -Infinity);
  const least = values.reduce((one, other) => Math.min(one, other), Infinity);
  const low = spec.zero || spec.share ? Math.min(0, least < 0 ? -niceAbove(-least) : 0) : least;
  if (spec.share) return { first, last, low, high: spec.fit ? Math.min(1, niceAbove(Math.max(most, 0.01))) : 1, log: false };
  const high = most > low ? low + niceAbove(most - low) : low + 1;
  return { first, last, low, high, log: false };
}

/** The next of 1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10 times a power of ten. @param {number} value */
export function niceAbove(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * (/** @type {number} */ ([1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].find((step) => step * power >= value * 0.9999)));
}
