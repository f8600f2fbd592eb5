/** The lines above: which rollouts, and what their colour shows. */

import { rightTold } from "../board/facts.js";
import { make } from "../page/dom.js";
import { show } from "../page/signals.js";
import { visible } from "../page/tokens.js";

/** @typedef {import("./texts.js").Mode} Mode @typedef {import("./texts.js").Texts} Texts */

/** @type {[Mode, string, string][]} */
const MODES = [["push", "push", "what the update tells each token: −∂loss/∂logprob"], ["apart", "difference to the first", "this method's push minus the first one's  d"],
  ["advantage", "advantage", "what the method multiplies each token with"]];
const KEYS = [["← → ↑ ↓", "tokens, lines"], ["[ ]", "rollouts"], ["o", "next method"], ["d", "difference to the first, and back"], ["s", "one scale, or one a method"], ["{ }", "steps"]];
const RAMP = [-16, -12, -8, -4, 0, 4, 8, 12, 16];

/** Chooses step and problem, and adds a method.
 * @param {{ steps: number[], step: number, group: number, board: import("../wire/payload.js").BoardPayload, full: boolean }} state
 * @param {{ goStep: (step: number) => void, go: (step: number, group: number) => void, add: () => void }} deeds */
export function placeBar({ steps, step, group, board, full }, { goStep, go, add }) {
  const option = (/** @type {number} */ value, /** @type {string} */ text, /** @type {number} */ current) => make("option", { value, selected: value === current }, text);
  const chosen = make("select", { "aria-label": "step", change: () => goStep(Number(chosen.value)) }, steps.map((each) => option(each, `step ${each}`, step)));
  const problem = make("select", { "aria-label": "problem", class: "wp-problem", change: () => go(step, Number(problem.value)) },
    board.groups.map((each) => option(each.group, `${rightTold(each.rollouts.map(([, , correct]) => correct))}: ${visible(each.question)}`, group)));
  return [chosen, problem, make("span", { class: "wb-spring" }),
    make("button", { type: "button", class: "wp-add", disabled: full, "aria-haspopup": "dialog", click: add }, "+ method"),
    make("details", { class: "wp-keys" }, make("summary", {}, "keys"), make("div", {}, KEYS.map(([keys, told]) => make("span", {}, make("kbd", {}, keys), ` ${told}`))))];
}

export class LookBar {
  /** @param {Texts} texts @param {{ mode: (mode: Mode) => void, shared: () => void }} deeds */
  constructor(texts, deeds) {
    this.texts = texts;
    this.modes = MODES.map(([name, label, help]) => make("button", { type: "button", title: help, "data-mode": name, click: () => deeds.mode(name) }, label));
    this.shared = make("button", { type: "button", title: "the same colour is the same number in all columns  s", click: deeds.shared }, "one scale");
    this.legend = make("span", { class: "wb-legend" });
    this.unmoved = make("p", { class: "wp-unmoved", hidden: true }, "Every ratio is 1 at this step: the policy that was read is the one that sampled, so bounds on the ratio do nothing here.");
    this.element = make("div", { class: "wp-bar" }, make("span", { class: "wp-modes", role: "group", "aria-label": "colour shows" }, this.modes), this.shared, this.legend, texts.token, this.unmoved);
  }

  /** @param {import("../page/signals.js").Limits | null} limits of the common scale @param {boolean} unmoved */
  update(limits, unmoved) {
    const { mode, shared } = this.texts;
    for (const button of this.modes) button.setAttribute("aria-pressed", String(button.dataset.mode === mode));
    this.shared.setAttribute("aria-pressed", String(shared));
    this.unmoved.hidden = !unmoved;
    const apart = mode === "apart" ? [make("span", { class: "wb-muted" }, "method 1: its push, on a scale of its own")] : [];
    this.legend.replaceChildren(...(limits && shared ? [...ramp(limits.high), ...apart] : [shared ? "nothing to colour" : "each column on a scale of its own"]));
  }
}

/** The scale in the very colours of the tokens. @param {number} high */
function ramp(high) {
  return [make("span", { class: "wb-number" }, show(-high, 2)),
    make("span", { class: "wb-ramp", "aria-hidden": "true" }, RAMP.map((level) => make("span", { class: level ? `${level < 0 ? "wb-down" : "wb-up"} wb-l${Math.abs(level)}` : "wb-zero" }))),
    make("span", { class: "wb-number" }, show(high, 2))];
}
