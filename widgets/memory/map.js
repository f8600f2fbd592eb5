/** The stock as a map: a measure of each made problem over the step of its making, with median and quartiles. */

import { draw, make } from "../page/dom.js";
import { show } from "../page/signals.js";
import { visible } from "../page/tokens.js";

/**
 * @typedef {{ step: number, low: number, median: number, high: number, count: number }} Bin
 * @typedef {{ measure: string, keys: string[], known: number, bins: Bin[], sources: [string, number][], columns: Record<string, ArrayLike<number>> }} Drawn
 */

const WIDTH = 420;
const HEIGHT = 240;
const AREA = { left: 44, right: 410, top: 10, bottom: 204 };
const COLOURS = 8;
const NEAR = 14; // units of the drawing within which a click hits a point

/** Limits of an axis; a single value gets room around it. @param {number[]} values @returns {[number, number]} */
export function limits(values) {
  const low = values.reduce((least, value) => Math.min(least, value), Infinity);
  const high = values.reduce((most, value) => Math.max(most, value), -Infinity);
  if (!(low <= high)) return [0, 1];
  return low === high ? [low - 0.5, high + 0.5] : [low, high];
}

/** The axis of a measure: shares have all of theirs. @param {string} measure @param {number[]} values @returns {[number, number]} */
function span(measure, values) {
  const [low, high] = limits(values);
  if (low >= 0 && high <= 1) return [0, 1];
  return measure === "length" ? [0, high] : [low, high];
}

export class StockMap {
  /** @type {Drawn | null} */
  drawn = null;
  /** @type {{ x: number, y: number, key: string, dot: SVGElement }[]} */
  points = [];
  /** @type {string | null} */
  chosen = null;

  /** @param {(key: string) => void} choose */
  constructor(choose) {
    this.choose = choose;
    this.title = make("b", {});
    this.note = make("span", { class: "wb-muted" });
    this.svg = draw("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", tabindex: 0, click: (/** @type {MouseEvent} */ event) => this.clicked(event), keydown: (/** @type {KeyboardEvent} */ event) => this.pressed(event) });
    this.names = make("div", { class: "wb-names" });
    this.element = make("figure", { class: "wb-map wb-chart" }, make("figcaption", {}, this.title, this.note), this.svg, this.names);
  }

  /** @param {Drawn} drawn */
  show(drawn) {
    this.drawn = drawn;
    const { columns: { at, value, source }, bins, measure, keys, known, sources } = drawn;
    const [first, last] = limits(Array.from(at));
    const [low, high] = span(measure, [...Array.from(value), ...bins.flatMap((bin) => [bin.low, bin.high])]);
    const x = (/** @type {number} */ step) => AREA.left + ((step - first) / (last - first)) * (AREA.right - AREA.left);
    const y = (/** @type {number} */ number) => AREA.bottom - ((number - low) / (high - low)) * (AREA.bottom - AREA.top);
    this.points = keys.map((key, place) => ({ key, x: x(at[place]), y: y(value[place]),
      dot: draw("circle", { class: `wb-point wb-c${source[place] % COLOURS}`, cx: x(at[place]).toFixed(1), cy: y(value[place]).toFixed(1), r: 3.2 }, draw("title", {}, `${visible(key)}: step ${at[place]}, ${measure} ${show(value[place])}`)) }));
    const line = (/** @type {"low" | "median" | "high"} */ name) => bins.map((bin) => `${x(bin.step).toFixed(1)},${y(bin[name]).toFixed(1)}`);
    this.svg.replaceChildren(...ticks(low, high, y), ...stepTicks(Math.round(first), Math.round(last), x),
      draw("polygon", { class: "wb-quartiles", points: [...line("high"), ...line("low").reverse()].join(" ") }), draw("g", {}, this.points.map(({ dot }) => dot)),
      draw("polyline", { class: "wb-median", points: line("median").join(" ") }));
    this.title.textContent = `${measure} by step made`;
    this.note.textContent = `median and quartiles${known > keys.length ? ` of ${known.toLocaleString("en")}; ${keys.length.toLocaleString("en")} points shown` : ""}`;
    this.names.replaceChildren(...(sources.length > 1 ? sources.slice(0, COLOURS).map(([name, count], place) => make("span", { class: `wb-tag wb-c${place}` }, make("span", { class: "wb-label" }, `${visible(name) || "no source"} ${count.toLocaleString("en")}`))) : []));
    this.svg.setAttribute("aria-label", `${measure} of ${known} made problems by the step of their making; ${bins.map((bin) => `step ${show(bin.step)}: median ${show(bin.median)}`).slice(-6).join(", ")}. Left and right choose a problem, Enter shows it.`);
    this.mark(this.chosen);
  }

  /** @param {string | null} key */
  mark(key) {
    this.chosen = key;
    for (const { key: each, dot } of this.points) dot.classList.toggle("wb-chosen", each === key);
  }

  /** @param {MouseEvent} event */
  clicked(event) {
    const box = this.svg.getBoundingClientRect();
    const scale = WIDTH / box.width;
    const [x, y] = [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
    const near = this.points.map((point) => ({ point, far: Math.hypot(point.x - x, point.y - y) })).filter(({ far }) => far < NEAR).sort((one, other) => one.far - other.far)[0];
    if (near) this.choose(near.point.key);
  }

  /** @param {KeyboardEvent} event */
  pressed(event) {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (by === undefined && event.key !== "Enter") return;
    event.preventDefault();
    event.stopPropagation();
    const at = this.points.findIndex(({ key }) => key === this.chosen);
    if (by === undefined) return void (at >= 0 && this.choose(this.points[at].key));
    const next = this.points[at < 0 ? 0 : Math.max(0, Math.min(this.points.length - 1, at + by))];
    if (next) this.mark(next.key);
  }
}

/** @param {number} low @param {number} high @param {(value: number) => number} y */
function ticks(low, high, y) {
  return [0, 0.5, 1].map((part) => low + part * (high - low)).flatMap((value) => [draw("line", { class: "wb-rule", x1: AREA.left, x2: AREA.right, y1: y(value), y2: y(value) }),
    draw("text", { class: "wb-tick", x: AREA.left - 5, y: y(value) + 3, "text-anchor": "end" }, show(value))]);
}

/** @param {number} first @param {number} last @param {(step: number) => number} x */
function stepTicks(first, last, x) {
  return [...new Set([first, last])].map((step, place) => draw("text", { class: "wb-tick", x: x(step), y: AREA.bottom + 15, "text-anchor": first === last ? "middle" : place ? "end" : "start" }, `step ${step}`));
}
