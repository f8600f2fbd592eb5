/** What examinations found out: a table with intervals, and pass@k over k. */

import { draw, make } from "../page/dom.js";
import { momentOf } from "./parts.js";
import { show } from "../page/signals.js";

/**
 * A share with the interval that holds 95 % of the bootstrap.
 * @typedef {{ tries: number, value: number | null, low: number | null, high: number | null, problems: number }} Share
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

/** A gain over the base in two lines; none where there is no base. @param {Share | undefined} gain */
export function gainLines(gain) {
  return gain && typeof gain.value === "number" ? [`${points(gain.value)} over base`, `(${points(gain.low)} to ${points(gain.high)})`] : [];
}

/** Every k that was asked for anywhere, in order. @param {Share[][]} lists */
function triesOf(lists) {
  return [...new Set(lists.flatMap((shares) => shares.map(({ tries }) => tries)))].sort((one, other) => one - other);
}

/** A row for every moment, a column for every measure. @param {Result[]} results */
export function table(results) {
  const passes = triesOf(results.map((result) => result.passes));
  const votes = triesOf(results.map((result) => result.votes));
  const heads = ["", ...passes.map((tries) => `pass@${tries}`), ...votes.map((tries) => `majority of ${tries}`)];
  const at = (/** @type {Share[]} */ shares, /** @type {number} */ tries) => shares.find((share) => share.tries === tries);
  return make("table", { class: "wb-exam" },
    make("thead", {}, make("tr", {}, heads.map((head) => make("th", { scope: "col" }, head)))),
    make("tbody", {}, results.map((result, place) => make("tr", {},
      make("th", { scope: "row" }, make("span", { class: `wb-tag wb-c${place % COLOURS}` }, momentOf(result.step)), facts(result).map((line) => make("div", { class: "wb-muted" }, line))),
      passes.map((tries) => cell(at(result.passes, tries), at(result.gains, tries))),
      votes.map((tries) => cell(at(result.votes, tries), undefined, at(result.weighted, tries)))))));
}

/** What belongs to all measures of a row. @param {Result} result */
function facts({ problems, length, truncated, unscored }) {
  const more = [truncated ? `${percent(truncated)} cut` : "", unscored ? `${percent(unscored)} unscored` : ""].filter(Boolean);
  return [`${problems} problems · ${show(length)} tokens`, ...(more.length ? [more.join(" · ")] : [])];
}

/** @param {Share | undefined} share @param {Share | undefined} [gain] @param {Share | undefined} [weighted] */
function cell(share, gain, weighted) {
  if (!share || typeof share.value !== "number") return make("td", {}, "—");
  return make("td", {}, make("b", {}, percent(share.value)), whisker(share),
    make("div", { class: "wb-muted" }, `${percent(share.low)} to ${percent(share.high)}`),
    gainLines(gain).map((line) => make("div", {}, line)),
    weighted ? make("div", { class: "wb-muted" }, `${percent(weighted.value)} weighed by the head`) : null);
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

/** How the chance of a right answer grows with the tries; null where there is a single k. @param {Result[]} results */
export function figure(results) {
  const tries = triesOf(results.map(({ passes }) => passes));
  if (tries.length < 2) return null;
  const [first, last] = [Math.log2(tries[0]), Math.log2(tries[tries.length - 1])];
  const x = (/** @type {number} */ k) => AREA.left + ((Math.log2(k) - first) / (last - first)) * (AREA.right - AREA.left);
  const y = (/** @type {number} */ share) => AREA.bottom - share * (AREA.bottom - AREA.top);
  const told = results.map(({ step, passes }) => `${momentOf(step)}: ${passes.map((share) => `pass@${share.tries} ${percent(share.value)}`).join(", ")}`).join("; ");
  return make("figure", { class: "wb-passes wb-chart" }, make("figcaption", {}, make("b", {}, "pass@k"), make("span", { class: "wb-muted" }, "band: 95 % of the bootstrap")),
    draw("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": told },
      [0, 0.25, 0.5, 0.75, 1].map((share) => [draw("line", { class: "wb-rule", x1: AREA.left, x2: AREA.right, y1: y(share), y2: y(share) }),
        draw("text", { class: "wb-tick", x: AREA.left - 5, y: y(share) + 3, "text-anchor": "end" }, percent(share, 0))]),
      tries.map((k) => draw("text", { class: "wb-tick", x: x(k), y: AREA.bottom + 15, "text-anchor": "middle" }, k)),
      draw("text", { class: "wb-tick", x: (AREA.left + AREA.right) / 2, y: AREA.bottom + 31, "text-anchor": "middle" }, "tries (k)"),
      results.map(({ passes }, place) => curve(passes.filter(({ value }) => value !== null), place, x, y))));
}

/** @param {Share[]} shares @param {number} place @param {(k: number) => number} x @param {(share: number) => number} y */
function curve(shares, place, x, y) {
  const at = (/** @type {"value" | "low" | "high"} */ name) => shares.map((share) => `${x(share.tries).toFixed(1)},${y(share[name] ?? 0).toFixed(1)}`);
  return draw("g", { class: `wb-line wb-c${place % COLOURS}` },
    draw("polygon", { class: "wb-band", points: [...at("high"), ...at("low").reverse()].join(" ") }),
    draw("polyline", { points: at("value").join(" ") }),
    shares.map((share) => draw("circle", { cx: x(share.tries), cy: y(share.value ?? 0), r: 2.6 })));
}
