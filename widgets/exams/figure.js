/** pass@k over k, with intervals, and the places where two curves cross. */

import { draw, make } from "../page/dom.js";
import { visible } from "../page/tokens.js";

/**
 * @typedef {{ k: number, value: number, low: number, high: number }} Point
 * `falls`: the model is above its base before the crossing, below behind it; `clear`: the intervals say so too.
 * @typedef {{ k: number, clear: boolean, falls: boolean }} Crossing
 * @typedef {{ run: string, step: number, label: string, curve: Point[] }} Model
 * @typedef {{ gains: Point[], crossings: Crossing[] }} Pair
 */

const COLOURS = 8;
const WIDTH = 460;
const HEIGHT = 270;
const AREA = { left: 44, right: 446, top: 14, bottom: 222 };

/** @param {number} share */
export function percent(share, digits = 1) { return `${(100 * share).toFixed(digits)} %`; }

/** @param {number} k */
function placeText(k) { return k < 10 ? k.toFixed(1) : String(Math.round(k)); }

/** A crossing in words. @param {Crossing} crossing @param {string} model @param {string} base */
export function crossingText({ k, clear, falls }, model, base) {
  return `${model} ${falls ? "falls below" : "rises above"} ${base} at k ≈ ${placeText(k)}${clear ? "" : ": the intervals do not settle it"}`;
}

/** All crossings in words; what is said where there are none. @param {Model[]} models @param {Pair[]} pairs */
export function crossingsText(models, pairs) {
  return pairs.flatMap(({ crossings, gains }, place) => {
    const [model, base] = [visible(models[place + 1].label), visible(models[0].label)];
    if (crossings.length) return crossings.map((each) => crossingText(each, model, base));
    const above = gains.some(({ value }) => value > 0);
    const below = gains.some(({ value }) => value < 0);
    return [`${model} ${above ? "stays above" : below ? "stays below" : "equals"} ${base} up to k = ${gains[gains.length - 1].k}`];
  });
}

/** @param {Model[]} models @param {Pair[]} pairs */
export function figure(models, pairs) {
  const ks = models[0].curve.map(({ k }) => k);
  const last = Math.log2(ks[ks.length - 1]) || 1;
  const x = (/** @type {number} */ k) => AREA.left + (Math.log2(k) / last) * (AREA.right - AREA.left);
  const y = (/** @type {number} */ share) => AREA.bottom - share * (AREA.bottom - AREA.top);
  const text = models.map(({ label, curve }) => `${label}: ${curve.map(({ k, value }) => `pass@${k} ${percent(value)}`).join(", ")}`).join("; ");
  return make("figure", { class: "wb-exam-figure wb-chart" },
    make("figcaption", {}, make("b", {}, "pass@k"), make("span", { class: "wb-muted" }, "bands: 95 % of the bootstrap over problems")),
    draw("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": [text, ...crossingsText(models, pairs)].join(". ") },
      [0, 0.25, 0.5, 0.75, 1].map((share) => [draw("line", { class: "wb-rule", x1: AREA.left, x2: AREA.right, y1: y(share), y2: y(share) }),
        draw("text", { class: "wb-tick", x: AREA.left - 5, y: y(share) + 3, "text-anchor": "end" }, percent(share, 0))]),
      ks.map((k) => draw("text", { class: "wb-tick", x: x(k), y: AREA.bottom + 15, "text-anchor": "middle" }, k)),
      draw("text", { class: "wb-tick", x: (AREA.left + AREA.right) / 2, y: AREA.bottom + 33, "text-anchor": "middle" }, "samples (k)"),
      models.map(({ curve }, place) => line(curve, place, x, y)),
      pairs.flatMap(({ crossings }, place) => crossings.map((each) => mark(each, models, place + 1, x, y)))),
    make("div", { class: "wb-names" }, models.map(({ label }, place) => make("span", { class: `wb-tag wb-c${place % COLOURS}` }, make("span", { class: "wb-label" }, visible(label))))));
}

/** @param {Point[]} curve @param {number} place @param {(k: number) => number} x @param {(share: number) => number} y */
function line(curve, place, x, y) {
  const at = (/** @type {"value" | "low" | "high"} */ name) => curve.map((point) => `${x(point.k).toFixed(1)},${y(point[name]).toFixed(1)}`);
  return draw("g", { class: `wb-line wb-c${place % COLOURS}` },
    draw("polygon", { class: "wb-band", points: [...at("high"), ...at("low").reverse()].join(" ") }),
    draw("polyline", { points: at("value").join(" ") }),
    curve.map(({ k, value }) => draw("circle", { cx: x(k), cy: y(value), r: 2.4 })));
}

/** The mark of a crossing: a line through it, dashed where the intervals do not settle it. @param {Crossing} crossing @param {Model[]} models @param {number} place @param {(k: number) => number} x @param {(share: number) => number} y */
function mark(crossing, models, place, x, y) {
  const share = valueAt(models[0].curve, crossing.k);
  return draw("g", { class: `wb-crossing${crossing.clear ? " wb-clear" : ""}` },
    draw("title", {}, crossingText(crossing, visible(models[place].label), visible(models[0].label))),
    draw("line", { x1: x(crossing.k), x2: x(crossing.k), y1: AREA.top, y2: AREA.bottom }),
    draw("circle", { cx: x(crossing.k), cy: y(share), r: 5 }),
    draw("text", { class: "wb-tick", x: x(crossing.k) + 5, y: AREA.top + 6 + 12 * (place - 1) }, `k ≈ ${placeText(crossing.k)}`));
}

/** A curve between two of its k, on a logarithmic axis. @param {Point[]} curve @param {number} k */
export function valueAt(curve, k) {
  const behind = Math.max(1, curve.findIndex((point) => point.k >= k));
  const [before, after] = [curve[behind - 1], curve[behind]];
  const part = (Math.log2(k) - Math.log2(before.k)) / (Math.log2(after.k) - Math.log2(before.k));
  return before.value + part * (after.value - before.value);
}
