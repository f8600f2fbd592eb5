/** Curves of a run as small SVG charts that share one cursor; events are vertical lines; a table says the same. */

import { draw, make } from "./dom.js";
import { show } from "./signals.js";

const WIDTH = 280;
const HEIGHT = 112;
const LEFT = 38;
const TOP = 8;
const BOTTOM = 92;
const MOST_ROWS = 300; // of the table

/** `series`: columns with their names; `share`: between 0 and 1, shown in percent; `zero`: the axis starts at zero. */
export const CHARTS = [
  { title: "Held-out accuracy", share: true, series: { accuracy: "accuracy" } },
  { title: "Reward", zero: true, series: { reward: "mean" }, more: /^reward\./ },
  { title: "Entropy", unit: "nats", zero: true, series: { entropy: "entropy" } },
  { title: "Length", unit: "tokens", zero: true, series: { length: "mean" } },
  { title: "Dead groups", help: "share of groups in which every rollout earned the same: a group-relative method learns nothing there", share: true, series: { dead_groups: "share" } },
  { title: "Clipped tokens", help: "share of tokens whose ratio left the clip range", share: true, fit: true, series: { clipped: "share" } },
  { title: "Engine–trainer gap", help: "how far the log-probabilities of engine and trainer lie apart", unit: "nats", zero: true, series: { gap_mean: "mean", gap_p99: "99th percentile" } },
  { title: "KL to the reference", unit: "nats", zero: true, series: { kl: "KL" } },
  { title: "Cut at the limit", help: "share of rollouts that reached the length limit", share: true, fit: true, series: { truncated: "share" } },
  { title: "Seconds by phase", unit: "s", zero: true, stacked: true, series: {
    "seconds.generate": "generate", "seconds.reward": "reward", "seconds.score": "score", "seconds.update": "update", "seconds.record": "record", "seconds.evaluate": "evaluate", "seconds.checkpoint": "checkpoint" } },
];

export class Charts {
  /** @param root @param hooks `choose(step)` is told when a step is clicked */
  constructor(root, hooks = {}) {
    this.hooks = hooks;
    this.grid = make("div", { class: "wb-charts" });
    this.table = make("details", { class: "wb-table", toggle: () => this.drawTable() }, make("summary", {}, "Numbers as a table"), make("div", {}));
    this.element = make("section", { class: "wb-curves", "aria-label": "curves of the run" }, this.grid, this.table);
    root.append(this.element);
  }

  /** @param data payload of the metrics: `columns` with `step`, and `events` */
  update(data) {
    this.data = data;
    const steps = data.columns.step ?? [];
    const there = CHARTS.map((spec) => withParts(spec, data.columns)).filter((spec) => Object.keys(spec.series).length);
    this.charts = there.map((spec) => new Chart(spec, data, this));
    const waiting = steps.length ? null : make("p", { class: "wb-note" }, "Nothing measured yet.");
    this.grid.replaceChildren(...this.charts.map((chart) => chart.element), ...(waiting ? [waiting] : []));
    if (this.chosen !== undefined) this.mark(this.chosen);
    this.drawTable();
  }

  /** The cursor of every chart, at a row of the data; null takes it away. */
  point(row) {
    for (const chart of this.charts) chart.point(row);
  }

  /** The step whose rollouts are shown. */
  mark(step) {
    this.chosen = step;
    for (const chart of this.charts ?? []) chart.mark(step);
  }

  drawTable() {
    if (!this.table.open || !this.data) return;
    const names = Object.keys(this.data.columns);
    const count = this.data.columns.step.length;
    const rows = Array.from({ length: Math.min(count, MOST_ROWS) }, (_, back) => count - 1 - back);
    const cell = (name, row) => (Number.isFinite(this.data.columns[name][row]) ? show(this.data.columns[name][row], 4) : "–");
    this.table.lastElementChild.replaceChildren(make("table", {},
      make("thead", {}, make("tr", {}, names.map((name) => make("th", { scope: "col" }, name)))),
      make("tbody", {}, rows.map((row) => make("tr", {}, names.map((name) => make("td", {}, cell(name, row))))))));
  }
}

/** A chart with the series that were recorded; several reward parts are told apart. */
function withParts(spec, columns) {
  const has = (name) => columns[name] && columns[name].some(Number.isFinite);
  const parts = spec.more ? Object.keys(columns).filter((name) => spec.more.test(name)) : [];
  const extra = parts.length > 1 ? Object.fromEntries(parts.map((name) => [name, name.replace(spec.more, "")])) : {};
  const series = Object.fromEntries(Object.entries({ ...spec.series, ...extra }).filter(([name]) => has(name)));
  return { ...spec, series };
}

class Chart {
  constructor(spec, data, owner) {
    this.spec = spec;
    this.data = data;
    this.owner = owner;
    this.steps = data.columns.step;
    this.names = Object.keys(spec.series);
    this.bands = spec.stacked ? stack(this.names.map((name) => data.columns[name])) : null;
    this.limits = this.findLimits();
    this.readout = make("span", { class: "wb-readout" });
    this.svg = this.drawing();
    this.element = make("figure", { class: "wb-chart" },
      make("figcaption", { title: spec.help }, make("b", {}, spec.title), this.readout),
      this.svg, this.names.length > 1 ? this.legend() : null);
    this.point(null);
  }

  findLimits() {
    const { spec } = this;
    const all = this.bands ? this.bands.at(-1) : this.names.flatMap((name) => Array.from(this.data.columns[name]));
    const known = Array.from(all).filter(Number.isFinite);
    let high = spec.zero ? Math.max(0, ...known) : Math.max(...known);
    let low = spec.zero || spec.share ? Math.min(0, ...known) : Math.min(...known);
    if (spec.share) high = spec.fit ? Math.min(1, niceAbove(Math.max(high, 0.01))) : 1;
    if (high === low) high = low + 1;
    if (!spec.share) high = low + niceAbove(high - low);
    return { low, high, first: this.steps[0], last: Math.max(this.steps.at(-1), this.steps[0] + 1) };
  }

  x(step) {
    return LEFT + ((step - this.limits.first) / (this.limits.last - this.limits.first)) * (WIDTH - LEFT - 6);
  }

  y(value) {
    return BOTTOM - ((value - this.limits.low) / (this.limits.high - this.limits.low)) * (BOTTOM - TOP);
  }

  text(value) {
    return this.spec.share ? `${show(value * 100)} %` : show(value);
  }

  drawing() {
    const { low, high, first, last } = this.limits;
    const lines = [low, (low + high) / 2, high].map((value) => [
      draw("line", { class: "wb-rule", x1: LEFT, x2: WIDTH - 6, y1: this.y(value), y2: this.y(value) }),
      draw("text", { class: "wb-tick", x: LEFT - 5, y: this.y(value) + 3.5, "text-anchor": "end" }, this.spec.share ? `${show(value * 100)}%` : show(value, 2))]);
    this.cursor = draw("line", { class: "wb-cursor", y1: TOP, y2: BOTTOM, visibility: "hidden" });
    this.here = draw("line", { class: "wb-here", y1: TOP, y2: BOTTOM, visibility: "hidden" });
    return draw("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": this.summary(),
      pointermove: (event) => this.owner.point(this.rowAt(event)), pointerleave: () => this.owner.point(null),
      click: (event) => this.owner.hooks.choose?.(this.steps[this.rowAt(event)]) },
    lines, this.eventLines(), this.here, this.bands ? this.areas() : this.names.map((name, at) => this.curve(name, at)), this.cursor,
    draw("text", { class: "wb-tick", x: LEFT, y: HEIGHT - 6 }, `step ${first}`),
    draw("text", { class: "wb-tick", x: WIDTH - 6, y: HEIGHT - 6, "text-anchor": "end" }, String(last)));
  }

  summary() {
    return `${this.spec.title}: ${this.names.map((name) => `${this.spec.series[name]} ${this.text(lastOf(this.data.columns[name]))}`).join(", ")}`;
  }

  /** A line through the recorded values; single points get dots. */
  curve(name, at) {
    const values = this.data.columns[name];
    const points = Array.from(values, (value, row) => [this.x(this.steps[row]), this.y(value)]).filter(([, y]) => Number.isFinite(y));
    const dots = points.length <= 24 ? points.map(([x, y]) => draw("circle", { cx: x, cy: y, r: 2.1 })) : [];
    return draw("g", { class: `wb-line wb-c${at}` }, draw("polyline", { points: points.map((point) => point.map((n) => n.toFixed(1)).join(",")).join(" ") }), dots);
  }

  areas() {
    const line = (values) => Array.from(values, (value, row) => `${this.x(this.steps[row]).toFixed(1)},${this.y(Number.isFinite(value) ? value : 0).toFixed(1)}`);
    const known = (values) => line(values).filter((_, row) => this.names.some((name) => Number.isFinite(this.data.columns[name][row])));
    const floor = new Float64Array(this.steps.length);
    return this.bands.map((band, at) => draw("polygon", { class: `wb-area wb-c${at}`, points: [...known(band), ...known(this.bands[at - 1] ?? floor).reverse()].join(" ") })).reverse();
  }

  eventLines() {
    return (this.data.events ?? []).filter((event) => event.step >= this.limits.first && event.step <= this.limits.last && !QUIET.has(event.kind))
      .map((event) => draw("line", { class: "wb-event", x1: this.x(event.step), x2: this.x(event.step), y1: TOP, y2: BOTTOM }, draw("title", {}, `step ${event.step}: ${event.kind} ${event.text ?? ""}`)));
  }

  legend() {
    this.values = this.names.map(() => make("span", { class: "wb-number" }));
    return make("div", { class: "wb-names" }, this.names.map((name, at) =>
      make("span", { class: `wb-name wb-c${at}` }, `${this.spec.series[name]} `, this.values[at])));
  }

  rowAt(event) {
    const box = this.svg.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * WIDTH;
    let best = 0;
    for (let row = 1; row < this.steps.length; row += 1) {
      if (Math.abs(this.x(this.steps[row]) - x) < Math.abs(this.x(this.steps[best]) - x)) best = row;
    }
    return best;
  }

  point(row) {
    this.cursor.setAttribute("visibility", row === null ? "hidden" : "visible");
    if (row !== null) for (const end of ["x1", "x2"]) this.cursor.setAttribute(end, this.x(this.steps[row]));
    const at = (column) => (row === null ? lastOf(column) : column[row]);
    const told = (value) => (Number.isFinite(value) ? this.text(value) : "–");
    this.values?.forEach((cell, place) => { cell.textContent = told(at(this.data.columns[this.names[place]])); });
    const main = this.bands ? told(at(this.bands.at(-1))) : this.values ? "" : told(at(this.data.columns[this.names[0]]));
    const where = row === null ? "" : `step ${this.steps[row]}  `;
    this.readout.textContent = `${where}${main && `${main} ${this.spec.unit ?? ""}`}`;
  }

  mark(step) {
    const inside = step >= this.limits.first && step <= this.limits.last;
    this.here.setAttribute("visibility", inside ? "visible" : "hidden");
    for (const end of ["x1", "x2"]) this.here.setAttribute(end, this.x(step));
  }
}
const QUIET = new Set(["start", "launch", "checkpoint", "evaluation", "step", "finish", "finished"]);

function lastOf(values) {
  return Array.from(values).findLast(Number.isFinite) ?? NaN;
}

/** Running sums over the series; a missing value adds nothing. */
function stack(columns) {
  let below = new Float64Array(columns[0].length);
  return columns.map((values) => (below = Float64Array.from(values, (value, row) => below[row] + (Number.isFinite(value) ? value : 0))));
}

/** The next of 1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10 times a power of ten. */
export function niceAbove(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].find((step) => step * power >= value * 0.9999);
}
