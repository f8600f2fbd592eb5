/** One row of the list of runs. */

import { draw, make } from "../page/dom.js";
import { stateText } from "../dashboard/head.js";
import { show } from "../page/signals.js";

/**
 * A run as the kernel describes it; fields that are not read yet are missing.
 * @typedef {{ path: string, name: string, experiment: string, started: number, verdict: string, text: string, phase?: string, step?: number,
 *   total?: number, method?: string, accuracy?: number | null, spark?: number[] }} Row
 */

/** @param {Row} row @param {{ chosen: number | null, full: boolean, open: boolean }} marks `chosen`: its colour among the curves */
export function rowCells(row, { chosen, full, open }) {
  const box = make("input", { type: "checkbox", tabindex: -1, "aria-label": `curves of ${row.name}`, disabled: full && chosen === null });
  box.checked = chosen !== null;
  const [place, last] = row.experiment ? [`${row.experiment} / `, row.name.slice(row.experiment.length + 1)] : ["", row.name];
  const done = row.total ? `${row.step} / ${row.total}` : "";
  return [
    make("span", { class: `wb-pick${chosen === null ? "" : ` wb-picked wb-c${chosen}`}`, role: "gridcell" }, box),
    make("span", { class: "wb-of", role: "gridcell", title: row.path }, place ? make("span", { class: "wb-muted wb-seeds", title: `show the curves of all seeds of ${row.experiment}` }, place) : null, make(open ? "b" : "span", {}, last)),
    make("span", { role: "gridcell" }, row.verdict ? make("span", { class: "wb-state", "data-verdict": row.verdict, title: row.text }, stateText({ verdict: row.verdict, phase: row.phase ?? "" })) : "…"),
    make("span", { class: "wb-amount", role: "gridcell" }, done),
    make("span", { class: "wb-amount", role: "gridcell" }, Number.isFinite(row.accuracy) ? `${show(100 * Number(row.accuracy), 3)} %` : "–"),
    ...(hasError(row) ? [make("span", { role: "gridcell", class: "wb-cut wb-why", title: row.text }, row.text)] : [
      make("span", { role: "gridcell", class: "wb-cut", title: row.method }, row.method ?? ""),
      make("span", { role: "gridcell", class: "wb-cut wb-age", title: new Date(1000 * row.started).toLocaleString() }, ageOf(row)),
      make("span", { role: "gridcell" }, spark(row.spark ?? []))]),
  ];
}

/** Whether an error text takes the place of the small curve. @param {Row} row */
function hasError(row) {
  return ["failed", "dead", "stalled", "unreadable", "vanished"].includes(row.verdict) && row.text !== "";
}

/** How long ago a run was started. @param {Row} row */
export function ageOf(row) {
  return ago(Date.now() / 1000 - row.started);
}

/** How long ago, for people. @param {number} seconds */
export function ago(seconds) {
  /** @type {[number, string][]} */
  const units = [[60, "s"], [60, "min"], [24, "h"], [365, "days"]];
  let [value, name] = [Math.max(0, seconds), "s"];
  for (const [size, unit] of units) {
    name = unit;
    if (value < size * 1.5 || unit === "days") break;
    value /= size;
  }
  return `${Math.round(value)} ${name} ago`;
}

/** A small curve. @param {number[]} values */
export function spark(values) {
  const [width, height] = [110, 20];
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const points = values.map((value, place) => [
    2 + (place / Math.max(1, values.length - 1)) * (width - 5), height - 3 - ((value - least) / (most - least || 1)) * (height - 6)]);
  const text = values.length ? `from ${show(values[0])} to ${show(values[values.length - 1])}` : "no metrics yet";
  const [x, y] = points[points.length - 1] ?? [0, 0];
  return draw("svg", { class: "wb-small wb-c0", viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": text },
    values.length ? [draw("polyline", { points: points.map((point) => point.map((number) => number.toFixed(1)).join(",")).join(" ") }), draw("circle", { cx: x.toFixed(1), cy: y.toFixed(1), r: 1.8 })] : []);
}
