/** What a step did in five numbers, each with a sentence on what it means. */

import { make } from "../page/dom.js";
import { show } from "../page/signals.js";
import { percent, signed } from "./lists.js";

/** The numbers, each with a sentence on what it means. @param {import("./math.js").Facts} facts @param {string} [would] before what tokens were told */
export function factParts({ agree, still, correlation, asked, up, down, idle }, would = "") {
  const mean = (/** @type {import("./math.js").Mean} */ { mean: value, count }) => (count ? `${signed(value)} nats` : "–");
  const part = (/** @type {import("./math.js").Mean} */ { mean: value, count }) => (count ? `, ${show(100 * Math.abs(Math.expm1(value)), 2)} % ${value < 0 ? "less likely" : "likelier"} than before` : "");
  const tokens = (/** @type {number} */ count) => `${count.toLocaleString("en")} token${count === 1 ? "" : "s"}`;
  return [
    [percent(agree), "moved as told", `Of the push on tokens that moved, the part that went in the direction asked; 50 % would be chance. ${percent(still)} of all push was on tokens that did not move, as where the model is certain.`],
    [Number.isFinite(correlation) ? show(correlation, 2) : "–", "correlation", `Over the ${tokens(asked)} with a push. 1: each got in proportion to what was asked; 0: what it got has nothing to do with it.`],
    [mean(up), `${would}told to become likelier`, `Mean change of ${tokens(up.count)}${part(up)}.`],
    [mean(down), `${would}told to become less likely`, `Mean change of ${tokens(down.count)}${part(down)}.`],
    [idle.count ? `${show(idle.mean)} nats` : "–", "nothing asked", idle.count ? `Mean size of the change of ${tokens(idle.count)} without push: all share the weights, so they move along.` : "Every token here was told something."],
  ].map(([number, label, told]) => make("div", { class: "wb-step-fact", role: "listitem" }, make("div", {}, make("b", { class: "wb-number" }, number), ` ${label}`), make("div", { class: "wb-muted" }, told)));
}
