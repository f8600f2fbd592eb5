/** Results of evaluations: a table with intervals, and pass@k over k. */

import { draw, make } from "../page/dom.js";
import { checkpointText } from "./parts.js";
import { show } from "../page/signals.js";

/**
 * An estimate with its 95 % bootstrap interval.
 * @typedef {{ samples: number, value: number | null, low: number | null, high: number | null, problems: number }} Share
 * @typedef {{ step: number, problems: number, temperature: number, length: number, truncated: number, unscored: number,
 *   passes: Share[], votes: Share[], weighted: Share[], gains: Share[] }} Result
 */

const COLOURS = 8;
const WIDTH = 300;
const HEIGHT = 190;
const AREA = { left: 40, right: 288, top: 12, bottom: 156 };

/** @param {number | null | undefined} share */
export function percent(share, digits = 1) {
  return typeof share === "number" ? `${(100 * share).toFixed(digits)} %` : "—";
}

/** A difference of shares, in points, with its sign. @param {number | null} share */
function points(share) {
  return typeof share === "number" ? `${share < 0 ? "−" : "+"}${Math.abs(100 * share).toFixed(1)}` : "—";
}

/** The gain over the base model in two lines; none where there is no base. @param {Share | undefined} gain */
export function gainLines(gain) {
  return gain && typeof gain.value === "number" ? [`${points(gain.value)} over the base model`, `(${points(gain.low)} to ${points(gain.high)})`] : [];
}

/** Every k that occurs, in order. @param {Share[][]} lists */
function samplesOf(lists) {
  return [...new Set(lists.flatMap((shares) => shares.map(({ samples }) => samples)))].sort((one, other) => one - other);
}

/** A row for every checkpoint, a column for every measure. @param {Result[]} results */
export function table(results) {
  const passes = samplesOf(results.map((result) => result.passes));
  const votes = samplesOf(results.map((result) => result.votes));
  const heads = ["", ...passes.map((k) => `pass@${k}`), ...votes.map((k) => `maj@${k}`)];
  const at = (/** @type {Share[]} */ shares, /** @type {number} */ k) => shares.find((share) => share.samples === k);
  return make("table", { class: "wb-exam" },
    make("thead", {}, make("tr", {}, heads.map((head) => make("th", { scope: "col" }, head)))),
    make("tbody", {}, results.map((result, place) => make("tr", {},
      make("th", { scope: "row" }, make("span", { class: `wb-tag wb-c${place % COLOURS}` }, checkpointText(result.step)), facts(result).map((line) => make("div", { class: "wb-muted" }, line))),
      passes.map((k) => cell(at(result.passes, k), at(result.gains, k))),
      votes.map((k) => cell(at(result.votes, k), undefined, at(result.weighted, k)))))));
}

/** What belongs to all measures of a row. @param {Result} result */
function facts({ problems, length, truncated, unscored }) {
  const more = [truncated ? `${percent(truncated)} truncated` : "", unscored ? `${percent(unscored)} unscored` : ""].filter(Boolean);
  return [`${problems} problems · ${show(length)} tokens`, ...(more.length ? [more.join(" · ")] : [])];
}

/** @param {Share | undefined} share @param {Share | undefined} [gain] @param {Share | undefined} [weighted] */
function cell(share, gain, weighted) {
  if (!share || typeof share.value !== "number") return make("td", {}, "—");
  return make("td", {}, make("b", {}, percent(share.value)), whisker(share),
    make("div", { class: "wb-muted" }, `${percent(share.low)} to ${percent(share.high)}`),
    gainLines(gain).map((line) => make("div", {}, line)),
    weighted ? make("div", { class: "wb-muted" }, `${percent(weighted.value)} weighted by the quality head`) : null);
}

/** The interval on a scale from 0 to 100 %. @param {Share} share */
function whisker({ value, low, high }) {
  const x = (/** @type {number | null} */ part) => (3 + 60 * (part ?? 0)).toFixed(1);
  return draw("svg", { class: "wb-whisker", width: 66, height: 9, viewBox: "0 0 66 9", "aria-hidden": "true" },
    draw("line", { class: "wb-rule", x1: 3, x2: 63, y1: 4.5, y2: 4.5 }),
    draw("line", { class: "wb-reach", x1: x(low), x2: x(high), y1: 4.5, y2: 4.5 }),
    draw("circle", { cx: x(value), cy: 4.5, r: 3 }));
}

// -------------------------------------------------------------------- pass@k over k

/** pass@k over the number of samples; null where there is a single k. @param {Result[]} results */
export function figure(results) {
  const ks = samplesOf(results.map(({ passes }) => passes));
  if (ks.length < 2) return null;
  const [first, last] = [Math.log2(ks[0]), Math.log2(ks[ks.length - 1])];
  const x = (/** @type {number} */ k) => AREA.left + ((Math.log2(k) - first) / (last - first)) * (AREA.right - AREA.left);
  const y = (/** @type {number} */ share) => AREA.bottom - share * (AREA.bottom - AREA.top);
  const text = results.map(({ step, passes }) => `${checkpointText(step)}: ${passes.map((share) => `pass@${share.samples} ${percent(share.value)}`).join(", ")}`).join("; ");
  return make("figure", { class: "wb-passes wb-chart" }, make("figcaption", {}, make("b", {}, "pass@k"), make("span", { class: "wb-muted" }, "band: 95 % bootstrap interval")),
    draw("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": text },
      [0, 0.25, 0.5, 0.75, 1].map((share) => [draw("line", { class: "wb-rule", x1: AREA.left, x2: AREA.right, y1: y(share), y2: y(share) }),
        draw("text", { class: "wb-tick", x: AREA.left - 5, y: y(share) + 3, "text-anchor": "end" }, percent(share, 0))]),
      ks.map((k) => draw("text", { class: "wb-tick", x: x(k), y: AREA.bottom + 15, "text-anchor": "middle" }, k)),
      draw("text", { class: "wb-tick", x: (AREA.left + AREA.right) / 2, y: AREA.bottom + 31, "text-anchor": "middle" }, "samples (k)"),
      results.map(({ passes }, place) => curve(passes.filter(({ value }) => value !== null), place, x, y))));
}

/** @param {Share[]} shares @param {number} place @param {(k: number) => number} x @param {(share: number) => number} y */
function curve(shares, place, x, y) {
  const at = (/** @type {"value" | "low" | "high"} */ name) => shares.map((share) => `${x(share.samples).toFixed(1)},${y(share[name] ?? 0).toFixed(1)}`);
  return draw("g", { class: `wb-line wb-c${place % COLOURS}` },
    draw("polygon", { class: "wb-band", points: [...at("high"), ...at("low").reverse()].join(" ") }),
    draw("polyline", { points: at("value").join(" ") }),
    shares.map((share) => draw("circle", { cx: x(share.samples), cy: y(share.value ?? 0), r: 2.6 })));
}
