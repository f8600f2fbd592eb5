/** The two bars above: which rollouts are shown, and what the colour means. */

import { correctText, outcomesOf } from "../board/facts.js";
import { make } from "../page/dom.js";
import { show } from "../page/signals.js";
import { visible } from "../page/tokens.js";

/** @typedef {import("./texts.js").Mode} Mode @typedef {import("./texts.js").Texts} Texts */

/** @type {[Mode, string, string][]} */
const MODES = [["weight", "gradient weight", "per-token gradient of the objective: −∂L/∂log π"], ["difference", "difference to method 1", "gradient weight minus that of method 1  d"],
  ["advantage", "advantage", "advantage of each token under the method"]];
const KEYS = [["← → ↑ ↓", "tokens, lines"], ["[ ]", "rollouts"], ["o", "next method"], ["d", "difference to method 1, and back"], ["s", "common scale, or one per method"], ["{ }", "steps"]];
const RAMP = [-16, -12, -8, -4, 0, 4, 8, 12, 16];

/** Chooses step and problem, and adds a method.
 * @param {{ steps: number[], step: number, group: number, board: import("../wire/payload.js").BoardPayload, full: boolean }} state
 * @param {{ goStep: (step: number) => void, go: (step: number, group: number) => void, add: () => void }} actions */
export function placeBar({ steps, step, group, board, full }, { goStep, go, add }) {
  const option = (/** @type {number} */ value, /** @type {string} */ text, /** @type {number} */ current) => make("option", { value, selected: value === current }, text);
  const chosen = make("select", { "aria-label": "step", change: () => goStep(Number(chosen.value)) }, steps.map((each) => option(each, `step ${each}`, step)));
  const problem = make("select", { "aria-label": "problem", class: "wp-problem", change: () => go(step, Number(problem.value)) },
    board.groups.map((each) => option(each.group, `${each.excluded ? "not trained on · " : ""}${correctText(outcomesOf(each))}: ${visible(each.question)}`, group)));
  return [chosen, problem, make("span", { class: "wb-spring" }),
    make("button", { type: "button", class: "wp-add", disabled: full, "aria-haspopup": "dialog", click: add }, "+ method"),
    make("details", { class: "wp-keys" }, make("summary", {}, "keys"), make("div", {}, KEYS.map(([keys, help]) => make("span", {}, make("kbd", {}, keys), ` ${help}`))))];
}

export class ColourBar {
  /** @param {Texts} texts @param {{ mode: (mode: Mode) => void, shared: () => void }} actions */
  constructor(texts, actions) {
    this.texts = texts;
    this.modes = MODES.map(([name, label, help]) => make("button", { type: "button", title: help, "data-mode": name, click: () => actions.mode(name) }, label));
    this.shared = make("button", { type: "button", title: "the same colour means the same number in all columns  s", click: actions.shared }, "common scale");
    this.legend = make("span", { class: "wb-legend" });
    this.onPolicy = make("p", { class: "wp-on-policy", hidden: true }, "All importance ratios are 1 at this step: the rollouts are on-policy, so ratio clipping has no effect here.");
    this.element = make("div", { class: "wp-bar" }, make("span", { class: "wp-modes", role: "group", "aria-label": "colour shows" }, this.modes), this.shared, this.legend, texts.token, this.onPolicy);
  }

  /** @param {import("../page/signals.js").Limits | null} limits of the common scale @param {boolean} onPolicy */
  update(limits, onPolicy) {
    const { mode, shared } = this.texts;
    for (const button of this.modes) button.setAttribute("aria-pressed", String(button.dataset.mode === mode));
    this.shared.setAttribute("aria-pressed", String(shared));
    this.onPolicy.hidden = !onPolicy;
    const first = mode === "difference" ? [make("span", { class: "wb-muted" }, "method 1: its gradient weight, on its own scale")] : [];
    this.legend.replaceChildren(...(limits && shared ? [...ramp(limits.high), ...first] : [shared ? "no values" : "each column has its own scale"]));
  }
}

/** The legend in the colours of the tokens. @param {number} high */
function ramp(high) {
  return [make("span", { class: "wb-number" }, show(-high, 2)),
    make("span", { class: "wb-ramp", "aria-hidden": "true" }, RAMP.map((level) => make("span", { class: level ? `${level < 0 ? "wb-down" : "wb-up"} wb-l${Math.abs(level)}` : "wb-zero" }))),
    make("span", { class: "wb-number" }, show(high, 2))];
}
