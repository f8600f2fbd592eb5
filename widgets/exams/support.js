/** Support as a matrix: problems that a model solves at least once, before and after; and their solve rates. */

import { make } from "../page/dom.js";
import { show } from "../page/signals.js";
import { visible } from "../page/tokens.js";

/**
 * A problem is [key, correct before, correct after, completions].
 * @typedef {[string, number, number, number]} Problem
 * @typedef {{ error: string, counts: Record<string, number | null>, by_chance: number, problems: Record<string, Problem[]>, transitions: number[][], edges: string[] }} Matrix
 */

/** @type {Record<string, string>} */
export const HELP = { kept: "solved by both", gained: "solved only by the second model", lost: "solved only by the first model", neither: "solved by neither" };
/** @type {[string, string, string][]} */
const RATES = [
  ["retention", "SRR", "share of the first model's support that is kept"], ["discovery", "NDR", "share of the second model's support that is new"],
  ["dynamic", "SDS", "harmonic mean of the two"], ["change", "NSCR", "(gained − lost) / all that either solves"],
  ["expansion", "expansion", "gained among the problems that the first model never solves"],
];

/** The rates of the support in words. @param {Matrix} matrix */
export function ratesText({ counts, by_chance: chance }) {
  const rates = RATES.filter(([name]) => counts[name] !== null && counts[name] !== undefined).map(([name, label]) => `${label} ${show(counts[name], 2)}`);
  return [...rates, `by chance about ${show(chance, 2)} would be gained, and lost, at half as many completions`].join(" · ");
}

/** The matrix with a list of the problems of a cell. @param {Matrix} matrix @param {string} before @param {string} after */
export function supportView(matrix, before, after) {
  if (matrix.error) return make("section", { class: "wb-support" }, make("b", {}, "Support"), make("p", { class: "wb-muted" }, matrix.error));
  const list = make("div", { class: "wb-support-list", role: "region", "aria-label": "problems of the chosen cell", tabindex: 0, hidden: true });
  /** @type {HTMLButtonElement[]} */
  const cells = [];
  const cell = (/** @type {string} */ state) => {
    const button = make("button", { type: "button", class: `wb-support-cell wb-${state}`, "aria-pressed": "false", title: HELP[state], click: () => {
      const open = button.getAttribute("aria-pressed") === "true";
      for (const each of cells) each.setAttribute("aria-pressed", String(each === button && !open));
      list.hidden = open;
      list.replaceChildren(...(open ? [] : problems(matrix, state)));
    } }, make("b", {}, Number(matrix.counts[state]).toLocaleString("en")), ` ${state}`);
    cells.push(button);
    return button;
  };
  const head = (/** @type {string} */ text, scope = "col") => make("th", { scope }, text);
  return make("section", { class: "wb-support", "aria-label": "support" },
    make("div", {}, make("b", {}, "Support"), make("span", { class: "wb-muted" }, ` ${visible(before)} → ${visible(after)}; solved: at least one completion is correct`)),
    make("table", { class: "wb-support-matrix" }, make("thead", {}, make("tr", {}, head(""), head("solved after"), head("not solved after"))),
      make("tbody", {}, make("tr", {}, head("solved before", "row"), make("td", {}, cell("kept")), make("td", {}, cell("lost"))),
        make("tr", {}, head("not before", "row"), make("td", {}, cell("gained")), make("td", {}, cell("neither"))))),
    list, make("p", { class: "wb-muted", title: RATES.map(([, label, help]) => `${label}: ${help}`).join("\n") }, ratesText(matrix)), transitionsView(matrix));
}

/** @param {Matrix} matrix @param {string} state */
function problems(matrix, state) {
  const found = matrix.problems[state];
  const more = Number(matrix.counts[state]) - found.length;
  if (!found.length) return [make("p", { class: "wb-muted" }, `no problem was ${state}`)];
  return [make("table", {}, make("thead", {}, make("tr", {}, ["problem", "before", "after"].map((name) => make("th", { scope: "col" }, name)))),
    make("tbody", {}, found.map(([key, was, is, of]) => make("tr", {}, make("td", {}, make("bdi", {}, visible(key))), make("td", {}, `${was} of ${of}`), make("td", {}, `${is} of ${of}`))))),
  ...(more > 0 ? [make("p", { class: "wb-muted" }, `and ${more.toLocaleString("en")} more`)] : [])];
}

/** Solve rates before (rows) and after (columns), darker for more problems. @param {Matrix} matrix */
function transitionsView({ transitions, edges }) {
  const most = Math.max(1, ...transitions.flat());
  return make("details", { class: "wb-transitions" }, make("summary", {}, "solve rates before and after"),
    make("table", {}, make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "before ↓ after →"), edges.map((edge) => make("th", { scope: "col" }, edge)))),
      make("tbody", {}, transitions.map((row, place) => make("tr", {}, make("th", { scope: "row" }, edges[place]),
        row.map((count, at) => make("td", { class: at === place ? "wb-same" : null, style: `--part:${Math.sqrt(count / most)}` }, count || "·")))))));
}
