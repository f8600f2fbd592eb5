/** One chart as a small SVG: axis, lines, bands, events, a cursor, the names of its lines with their values. */

import { draw, make } from "../page/dom.js";
import { show } from "../page/signals.js";

/**
 * @typedef {import("./chart_data.js").Spec} Spec @typedef {import("./chart_data.js").ChartData} ChartData
 * @typedef {import("./curves.js").RunEvent} RunEvent
 * @typedef {{ first: number, last: number, low: number, high: number, log: boolean }} Axis
 */

const HEIGHT = 116;
const LEFT = 40;
const MARGIN = 7; // right of the drawing
const TOP = 8;
const BOTTOM = 96;
const NEAR = 4; // units of the drawing within which a pointer hits an event
const SEVERE = new Set(["failed", "disk full", "refused", "alarm"]);

export class Chart {
  /** @param {Spec} spec @param {{ point: (step: number | null, event?: RunEvent) => void, choose: (step: number) => void }} owner */
  constructor(spec, owner) {
    this.spec = spec;
    this.owner = owner;
    this.width = 280; // pixels; text keeps its size however wide the chart is
    /** @type {Axis} */
    this.axis = { first: 0, last: 1, low: 0, high: 1, log: false };
    /** @type {RunEvent[]} */
    this.events = [];
    /** @type {import("./chart_data.js").Line[]} */
    this.listed = [];
    /** @type {HTMLElement[]} */
    this.values = [];
    this.readout = make("span", { class: "wb-readout" });
    this.names = make("div", { class: "wb-names" });
    this.paper = draw("g");
    this.here = draw("line", { class: "wb-here", y1: TOP, y2: BOTTOM, visibility: "hidden" });
    this.cursor = draw("line", { class: "wb-cursor", y1: TOP, y2: BOTTOM, visibility: "hidden" });
    /** @type {SVGSVGElement} */
    this.svg = draw("svg", { height: HEIGHT, role: "img",
      pointermove: (/** @type {PointerEvent} */ event) => this.pointed(event), pointerleave: () => owner.point(null),
      click: (/** @type {PointerEvent} */ event) => owner.choose(this.stepAt(event)) }, this.here, this.paper, this.cursor);
    this.element = make("figure", { class: "wb-chart" },
      make("figcaption", { title: spec.help ? `${spec.title}: ${spec.help}` : spec.title }, make("b", {}, spec.title), this.readout), this.svg, this.names);
  }

  /** @param {ChartData} data @param {Axis} axis @param {RunEvent[]} events @param {boolean} folded whether events are short marks */
  update(data, axis, events, folded = false) {
    this.data = data;
    this.axis = axis;
    this.events = events.filter(({ step }) => step !== null && step >= axis.first && step <= axis.last);
    this.svg.setAttribute("viewBox", `0 0 ${this.width} ${HEIGHT}`);
    this.paper.replaceChildren(...this.rules(), ...this.eventMarks(folded), ...data.bands.map((band) => this.band(band)),
      ...(data.areas ? [] : data.lines.flatMap((line) => this.line(line))), ...this.ends());
    this.listed = data.lines.filter((line) => !line.faint);
    this.values = this.listed.map(() => make("span", { class: "wb-number" }));
    this.names.replaceChildren(...(this.listed.length > 1 ? this.listed.map((line, place) =>
      make("span", { class: `wb-tag wb-c${line.colour}`, title: line.label }, make("span", { class: "wb-label" }, `${line.label} `), this.values[place])) : []));
    this.point(null);
    this.svg.setAttribute("aria-label", `${this.spec.title}: ${this.listed.map((line) => `${line.label} ${this.text(line.at(axis.last))}`).join(", ")}`);
  }

  get right() { return this.width - MARGIN; }

  /** @param {number} step */
  x(step) {
    const { first, last } = this.axis;
    return LEFT + ((step - first) / (last - first || 1)) * (this.right - LEFT);
  }

  /** @param {number} value */
  y(value) {
    const { low, high, log } = this.axis;
    const part = log ? Math.log(Math.max(value, low) / low) / Math.log(high / low) : (value - low) / (high - low);
    return BOTTOM - part * (BOTTOM - TOP);
  }

  /** @param {number} value */
  text(value, digits = 3) {
    if (!Number.isFinite(value)) return "–";
    return this.spec.share ? `${show(value * 100, digits)} %` : show(value, digits);
  }

  rules() {
    const { low, high, log } = this.axis;
    const middle = log ? Math.sqrt(low * high) : low < 0 && high > 0 ? 0 : (low + high) / 2;
    const lines = [low, middle, high].flatMap((value) => [
      draw("line", { class: "wb-rule", x1: LEFT, x2: this.right, y1: this.y(value), y2: this.y(value) }),
      draw("text", { class: "wb-tick", x: LEFT - 5, y: this.y(value) + 3.5, "text-anchor": "end" }, this.text(value, 2).replace(" %", "%"))]);
    return lines;
  }

  ends() {
    const { first, last } = this.axis;
    return [draw("text", { class: "wb-tick", x: LEFT, y: HEIGHT - 6 }, `step ${first}`),
      draw("text", { class: "wb-tick wb-last", x: this.right, y: HEIGHT - 6, "text-anchor": "end" }, String(last))];
  }

  /** @param {import("./chart_data.js").Line} line */
  line({ points, colour, faint }) {
    const known = points.filter(([, value]) => !this.axis.log || value > 0).map(([step, value]) => [this.x(step), this.y(value)]);
    if (!known.length) return [];
    const path = draw("polyline", { points: known.map((point) => point.map((number) => number.toFixed(1)).join(",")).join(" ") });
    const marked = faint ? [] : known.length <= 24 ? known : known.slice(-1); // the newest point can always be seen
    const dots = marked.map(([x, y]) => draw("circle", { cx: x.toFixed(1), cy: y.toFixed(1), r: 2.2 }));
    return [draw("g", { class: `wb-line wb-c${colour}${faint ? " wb-faint" : ""}` }, path, dots)];
  }

  /** @param {import("./chart_data.js").Band} band */
  band({ points, colour }) {
    const edge = (/** @type {1 | 2} */ side) => points.map((point) => `${this.x(point[0]).toFixed(1)},${this.y(point[side]).toFixed(1)}`);
    return draw("polygon", { class: `wb-c${colour} ${this.data?.areas ? "wb-area" : "wb-band"}`, points: [...edge(2), ...edge(1).reverse()].join(" ") });
  }

  /** @param {boolean} folded */
  eventMarks(folded) {
    return this.events.map((event) => {
      const { step, kind, colour } = event;
      const x = this.x(/** @type {number} */ (step));
      const name = `wb-event${SEVERE.has(kind) ? " wb-severe" : ""}${colour === undefined ? "" : ` wb-own wb-c${colour}`}`;
      return draw("line", { class: name, x1: x, x2: x, y1: folded || kind === "note" ? BOTTOM - 7 : TOP, y2: BOTTOM }, draw("title", {}, eventText(event)));
    });
  }

  /** @param {MouseEvent} event */
  drawn(event) {
    const box = this.svg.getBoundingClientRect();
    return ((event.clientX - box.left) / box.width) * this.width;
  }

  /** @param {MouseEvent} event */
  stepAt(event) {
    const { first, last } = this.axis;
    return Math.max(first, Math.min(last, Math.round(first + ((this.drawn(event) - LEFT) / (this.right - LEFT)) * (last - first))));
  }

  /** @param {MouseEvent} event */
  pointed(event) {
    const x = this.drawn(event);
    const near = this.events.filter(({ step }) => Math.abs(this.x(/** @type {number} */ (step)) - x) < NEAR);
    this.owner.point(this.stepAt(event), near[near.length - 1]);
  }

  /** The values at a step; null: the newest. @param {number | null} step */
  point(step) {
    this.cursor.setAttribute("visibility", step === null ? "hidden" : "visible");
    if (step !== null) for (const end of ["x1", "x2"]) this.cursor.setAttribute(end, String(this.x(step)));
    const values = this.listed.map((line) => line.at(step ?? this.axis.last));
    this.values.forEach((cell, place) => { cell.textContent = this.text(values[place]); });
    const sum = values.filter(Number.isFinite).reduce((total, value) => total + value, 0);
    const main = this.data?.areas ? this.text(sum) : values.length === 1 ? this.text(values[0]) : "";
    this.readout.textContent = main && `${main} ${this.spec.unit ?? ""}`;
  }

  /** @param {number | null} step */
  mark(step) {
    const inside = step !== null && step >= this.axis.first && step <= this.axis.last;
    this.here.setAttribute("visibility", inside ? "visible" : "hidden");
    if (inside) for (const end of ["x1", "x2"]) this.here.setAttribute(end, String(this.x(step)));
  }
}

/** An event in words. @param {RunEvent} event */
export function eventText({ run, step, kind, text, action }) {
  return `${run ? `${run} · ` : ""}step ${step} · ${kindText({ kind, action })}: ${text ?? ""}`;
}

/** What an alarm did to the run. @type {Record<string, string>} */
const ACTIONS = { pause: "paused the run", stop: "stopped the run", fail: "failed the run" };

/** The kind of an event, and what it did. @param {Pick<RunEvent, "kind" | "action">} event */
export function kindText({ kind, action }) {
  return action && Object.hasOwn(ACTIONS, action) ? `${kind}, ${ACTIONS[action]}` : kind;
}
