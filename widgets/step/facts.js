/** The effect of a step in five numbers, each with an explanation. */

import { make } from "../page/dom.js";
import { show } from "../page/signals.js";
import { percent, signed } from "./lists.js";

/** The numbers with their explanations. @param {import("./math.js").Facts} facts @param {string} [would] before "up-weighted", where the update did not use the tokens */
export function factParts({ agree, still, correlation, weight, up, down, idle }, would = "") {
  const mean = (/** @type {import("./math.js").Mean} */ { mean: value, count }) => (count ? `${signed(value)} nats` : "–");
  const part = (/** @type {import("./math.js").Mean} */ { mean: value, count }) => (count ? `, ${show(100 * Math.abs(Math.expm1(value)), 2)}\u00a0% ${value < 0 ? "less likely" : "more likely"} than before` : "");
  const tokens = (/** @type {number} */ count) => `${count.toLocaleString("en")} token${count === 1 ? "" : "s"}`;
  return [
    [percent(agree), "sign agreement", `Share of the gradient weight (in size) on tokens whose log-prob moved in the direction of the gradient; 50 % is chance. ${percent(still)} of the gradient weight is on tokens that did not move.`],
    [Number.isFinite(correlation) ? show(correlation, 2) : "–", "correlation", `Between gradient weight and Δ log-prob, over the ${tokens(weight)} with a gradient. 1: proportional; 0: unrelated.`],
    [mean(up), `${would}up-weighted`, `Mean Δ log-prob of ${tokens(up.count)}${part(up)}.`],
    [mean(down), `${would}down-weighted`, `Mean Δ log-prob of ${tokens(down.count)}${part(down)}.`],
    [idle.count ? `${show(idle.mean)} nats` : "–", "zero gradient", idle.count ? `Mean |Δ log-prob| of ${tokens(idle.count)} without gradient; they move because all tokens share the model's parameters.` : "Every token here has a gradient."],
  ].map(([number, label, text]) => make("div", { class: "wb-step-fact", role: "listitem" }, make("div", {}, make("b", { class: "wb-number" }, number), ` ${label}`), make("div", { class: "wb-muted" }, text)));
}
