/** The line above the tokens: step, signal, scale, find, help. */

import { make } from "./dom.js";
import { FIRST, LEVELS, show, signalOf } from "./signals.js";

/** Chooses a recorded step. */
export function stepControl(steps, current, choose) {
  const place = steps.indexOf(current);
  const move = (by) => () => choose(steps[Math.max(0, Math.min(steps.length - 1, place + by))]);
  const select = make("select", { "aria-label": "step", change: (event) => choose(Number(event.target.value)) },
    steps.map((step) => make("option", { value: step, selected: step === current }, `step ${step}`)));
  return make("span", { class: "wb-control" },
    make("button", { type: "button", title: "earlier step  {", "aria-label": "earlier step", disabled: place <= 0, click: move(-1) }, "‹"),
    select,
    make("button", { type: "button", title: "later step  }", "aria-label": "later step", disabled: place >= steps.length - 1, click: move(1) }, "›"));
}

/** Chooses what the colour shows; what was not recorded can be seen but not chosen. */
export function signalControl(known, current, choose) {
  const buttons = FIRST.map((name) => {
    const signal = signalOf(name);
    const there = known.includes(name);
    return make("button", {
      type: "button", disabled: !there, "aria-pressed": String(name === current), "data-signal": name,
      title: there ? signal.help : `${signal.label} was not recorded in this run`, click: () => choose(name) }, signal.label);
  });
  const others = known.filter((name) => !FIRST.includes(name));
  const more = make("select", { "aria-label": "more signals", class: others.includes(current) ? "wb-chosen" : null,
    change: (event) => event.target.value && choose(event.target.value) },
  make("option", { value: "" }, "more…"),
  others.map((name) => make("option", { value: name, selected: name === current }, signalOf(name).label)));
  return make("span", { class: "wb-control wb-signals", role: "group", "aria-label": "colour shows" }, buttons, others.length ? more : null);
}

/** The scale in the very colours of the tokens, with its limits and a lock. */
export function legend(signal, limits, locked, toggle) {
  if (!limits) return make("span", { class: "wb-legend wb-muted" }, "not recorded here");
  const back = (value) => show((signal.back ?? signal.value ?? ((x) => x))(value), 2);
  const cells = [];
  if (signal.scale === "signed") for (let level = LEVELS; level > 0; level -= 2) cells.push(`wb-down wb-l${level}`);
  const name = signal.scale === "signed" ? "wb-up" : "wb-amount";
  for (let level = 0; level <= LEVELS; level += 2) cells.push(level ? `${name} wb-l${level}` : "wb-zero");
  return make("span", { class: "wb-legend", title: signal.help },
    make("span", { class: "wb-number" }, back(limits.low)),
    make("span", { class: "wb-ramp", "aria-hidden": "true" }, cells.map((cell) => make("span", { class: cell }))),
    make("span", { class: "wb-number" }, back(limits.high)),
    make("button", { type: "button", class: "wb-lock", "aria-pressed": String(locked), click: toggle,
      title: "keep these limits while going from group to group  l" }, locked ? "locked" : "lock"));
}

export const KEYS = [
  ["← →", "token before, after"], ["↑ ↓", "line above, below"], ["Home End", "first, last token of the rollout"],
  ["[ ]", "rollout before, after (also p n)"], ["⇧↑ ⇧↓", "problem before, after"], ["{ }", "step before, after (also P N)"],
  ["m M", "next, previous signal"], ["/", "find text"], ["Enter", "pin the card"], ["Esc", "unpin, leave"],
  ["l", "lock the scale"], ["?", "this help"],
];

/** The help sheet. */
export function helpSheet(close) {
  const rows = KEYS.map(([keys, told]) => make("tr", {},
    make("th", { scope: "row" }, keys.split(" ").map((key) => make("kbd", {}, key))), make("td", {}, told)));
  const marks = make("p", { class: "wb-help-marks" },
    make("span", { class: "wb-token wb-up wb-l10" }, "solid line"), " above zero  ",
    make("span", { class: "wb-token wb-down wb-l10" }, "dashed line"), " below zero  ",
    make("span", { class: "wb-token wb-untrained" }, "grey italic"), " not trained  ",
    make("span", { class: "wb-token wb-missing" }, "dotted"), " not recorded  ",
    make("span", { class: "wb-token wb-special" }, "<special>"), " special token");
  return make("div", { class: "wb-help", role: "dialog", "aria-label": "keys" },
    make("button", { type: "button", class: "wb-close", "aria-label": "close", click: close }, "×"),
    make("b", {}, "Keys"), make("table", {}, make("tbody", {}, rows)), marks);
}
