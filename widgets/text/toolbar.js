/** The toolbar above the tokens: step, signal, unit of text, scale, help. */

import { make } from "../page/dom.js";
import { PIECE } from "../page/faces.js";
import { howUnited } from "./shades.js";
import { FIRST, LENS, LEVELS, MORE, helpOf, ordered, show, signalOf, unshade } from "../page/signals.js";
import { GROUPINGS } from "../page/units.js";

/** @param {string} label @param {[string | number, string][]} options @param {string | number} current @param {(value: string) => void} choose @param {Record<string, any>} more */
export function chooser(label, options, current, choose, more = {}) {
  const select = make("select", { "aria-label": label, change: () => choose(select.value), ...more },
    options.map(([value, text]) => make("option", { value, selected: value === current }, text)));
  return select;
}

/** Chooses a recorded step. @param {number[]} steps @param {number} current @param {(step: number) => void} choose */
export function stepControl(steps, current, choose) {
  const place = steps.indexOf(current);
  const move = (/** @type {number} */ by) => () => choose(steps[Math.max(0, Math.min(steps.length - 1, place + by))]);
  return make("span", { class: "wb-control" },
    make("button", { type: "button", title: "earlier step  {", "aria-label": "earlier step", disabled: place <= 0, click: move(-1) }, "‹"),
    chooser("step", steps.map((step) => [step, `step ${step}`]), current, (value) => choose(Number(value))),
    make("button", { type: "button", title: "later step  }", "aria-label": "later step", disabled: place >= steps.length - 1, click: move(1) }, "›"));
}

/**
 * Chooses the signal of the colours; signals that were not recorded are listed but disabled.
 * @param {string[]} known @param {string} current @param {(name: string) => void} choose
 * @param {(() => void) | null} pick chooses a method, where lenses of others can be had
 */
export function signalControl(known, current, choose, pick) {
  const buttons = FIRST.map((name) => {
    const signal = signalOf(name);
    const there = known.includes(name);
    return make("button", {
      type: "button", disabled: !there, "aria-pressed": String(name === current), "data-signal": name,
      title: there ? helpOf(signal) : `${signal.label}: not recorded in this run`, click: () => choose(name) }, signal.label);
  });
  const others = ordered(known).filter((name) => !FIRST.includes(name));
  const absent = MORE.filter((name) => !known.includes(name));
  const option = (/** @type {string} */ name) => make("option", { value: name, selected: name === current, title: helpOf(signalOf(name)) }, signalOf(name).label);
  const more = make("select", { "aria-label": "more signals", class: others.includes(current) ? "wb-chosen" : null,
    change: () => (more.value === LENS ? pick?.() : more.value && choose(more.value)) },
  make("option", { value: "" }, "more…"),
  pick ? make("option", { value: LENS }, "lens of a method…") : null,
  others.map(option),
  absent.map((name) => make("option", { value: name, disabled: true }, `${signalOf(name).label} (not recorded)`)));
  return make("span", { class: "wb-control wb-signals", role: "group", "aria-label": "colour shows" }, buttons, more);
}

/** Chooses the unit of text that shares a colour. @param {string} current @param {(grouping: string) => void} choose */
export function groupingControl(current, choose) {
  return chooser("colour by", GROUPINGS.map((name) => [name, `by ${name}`]), current, choose,
    { title: "colour by token, word, sentence or line  u", class: current === "token" ? "wb-by" : "wb-by wb-chosen" });
}

/** The legend in the colours of the tokens, with its limits and a lock.
 * @param {import("./pane.js").Look} look @param {boolean} locked @param {() => void} toggle */
export function legend({ signal, limits, grouping }, locked, toggle) {
  if (!limits) return make("span", { class: "wb-legend wb-muted" }, `${signal.label}: not recorded here`);
  const cells = [];
  if (signal.scale === "signed") for (let level = LEVELS; level > 0; level -= 2) cells.push(`wb-down wb-l${level}`);
  const name = signal.scale === "signed" ? "wb-up" : "wb-amount";
  for (let level = 0; level <= LEVELS; level += 2) cells.push(level ? `${name} wb-l${level}` : "wb-zero");
  return make("span", { class: "wb-legend", title: helpOf(signal) },
    grouping === "token" ? null : make("span", { class: "wb-muted" }, `${howUnited(signal)} per ${grouping}`),
    make("span", { class: "wb-number" }, show(unshade(signal, limits.low), 2)),
    make("span", { class: "wb-ramp", "aria-hidden": "true" }, cells.map((cell) => make("span", { class: cell }))),
    make("span", { class: "wb-number" }, show(unshade(signal, limits.high), 2)),
    make("button", { type: "button", class: "wb-lock", "aria-pressed": String(locked), click: toggle,
      title: "keep these limits for other groups and steps  l" }, locked ? "locked" : "lock"));
}

export const KEYS = [
  ["← →", "previous, next token (word, line)"], ["↑ ↓", "line above, below"], ["PgUp PgDn", "page up, down"], ["Home End", "first, last token of the rollout"],
  ["[ ]", "previous, next rollout (also p n)"], ["⇧↑ ⇧↓", "previous, next problem"], ["{ }", "previous, next step (also P N)"],
  ["m M", "next, previous signal"], ["u", "colour by token, word, sentence, line"], ["l", "lock the scale"], ["/", "find text; Enter: next"],
  ["Enter", "pin the card and focus it"], ["c", "compare with another rollout"], ["o", "the other side of a comparison"], ["r", "set as reference for divergence points"], ["g", "go to the divergence point"], ["< >", "the rollout this one was made from; one made from it"], ["w", "effect of the update"], ["Esc", "unpin, close"], ["?", "this help"],
];

/** The help sheet. @param {() => void} close */
export function helpSheet(close) {
  const rows = KEYS.map(([keys, help]) => make("tr", {},
    make("th", { scope: "row" }, keys.split(" ").map((key) => make("kbd", {}, key))), make("td", {}, help)));
  const mark = (/** @type {string} */ name, /** @type {string} */ text, /** @type {string} */ meaning) => make("span", {}, make("span", { class: `wb-token ${name}` }, text), ` ${meaning}`);
  const marks = make("p", { class: "wb-help-marks" },
    mark("wb-up wb-l10", "solid line", "above zero"), mark("wb-down wb-l10", "dashed line", "below zero"),
    mark("wb-untrained", "grey italic", "not trained"), mark("wb-missing", "dotted", "not recorded"),
    mark("wb-special", "<special>", "special token"), mark("wb-muted", PIECE, "part of the next character"), mark("wb-bytes", "⟨E2 82⟩", "bytes of no character"),
    mark("wb-parting", "blue edge", "divergence point"));
  return make("div", { class: "wb-help", role: "dialog", "aria-label": "keys and marks" },
    make("button", { type: "button", class: "wb-close", "aria-label": "close", click: close }, "×"),
    make("b", {}, "Keys"), make("table", {}, make("tbody", {}, rows)), make("b", {}, "Marks"), marks);
}
