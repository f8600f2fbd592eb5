/** Beside a rollout's tokens: outcome, entropy, length, divergence point. Below them: how it ended, and its rewards. */

import { draw, make } from "../page/dom.js";
import { show } from "../page/signals.js";
import { visible } from "../page/tokens.js";

/**
 * @typedef {import("../wire/payload.js").Group} Group
 * @typedef {import("../wire/payload.js").Rollout} Rollout
 * Where a rollout diverges from the reference, with a text; `at` null: it is the reference.
 * @typedef {{ at: number | null, text: string }} Parting
 * What the board adds: the top of the sparklines, the divergence point, and what its buttons do.
 * @typedef {{ top: number, parting: Parting | null, refer?: () => void, visit?: (at: number) => void }} Beside
 */

const LONGEST = 400; // characters of a reason

/** Correct, incorrect or unscored, by shape as well as by colour. @param {number | null | undefined} correct */
export function gradeMark(correct) {
  const [name, mark, label] = correct === null || correct === undefined
    ? ["wb-unscored", "?", "unscored"]
    : correct > 0.5 ? ["wb-correct", "✓", "correct"] : ["wb-incorrect", "✗", "incorrect"];
  return make("span", { class: `wb-grade ${name}`, role: "img", "aria-label": label, title: label }, mark);
}

/** Entropy along a rollout. @param {Float32Array | undefined} values @param {number} top */
export function sparkline(values, top, width = 92, height = 16) {
  if (!values || !values.length || !(top > 0)) return null;
  const bins = Math.min(values.length, width);
  const points = [];
  for (let bin = 0; bin < bins; bin += 1) {
    const part = values.subarray(Math.floor((bin * values.length) / bins), Math.ceil(((bin + 1) * values.length) / bins));
    const value = part.reduce((most, number) => Math.max(most, Number.isFinite(number) ? number : 0), 0);
    const x = bins === 1 ? 0 : (bin * width) / (bins - 1);
    points.push(`${x.toFixed(1)},${(height - 1 - (Math.min(1, value / top)) * (height - 2)).toFixed(1)}`);
  }
  return draw("svg", { class: "wb-spark", width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": "entropy along the rollout" },
    draw("polygon", { points: `0,${height} ${points.join(" ")} ${width},${height}` }),
    draw("polyline", { points: points.join(" ") }));
}

/** The column left of a rollout's tokens. @param {Group} group @param {Rollout} rollout @param {Beside} beside */
export function rolloutHead(group, rollout, { top, parting, refer, visit }) {
  const entropy = group.columns.entropy?.subarray(rollout.start, rollout.start + rollout.length);
  const chosen = parting?.at === null;
  const label = chosen ? "clear the reference for divergence points" : "set as reference for divergence points";
  return make("div", { class: "wb-head" },
    make("div", { class: "wb-outcome" }, gradeMark(rollout.correct),
      make("b", { title: "reward" }, rollout.reward === null ? "no reward" : show(rollout.reward)),
      make("span", { class: "wb-muted" }, `#${rollout.rollout}`),
      refer ? make("button", { type: "button", class: "wb-refer", tabindex: -1, "aria-pressed": String(chosen), "aria-label": label, title: label, click: refer }, "≠") : null),
    make("div", { class: "wb-outcome" }, sparkline(entropy, top),
      make("span", { class: "wb-muted", title: "tokens" }, `${rollout.length} tok`)),
    parting ? partingLine(parting, visit) : null);
}

/** @param {Parting} parting @param {((at: number) => void) | undefined} visit */
function partingLine({ at, text }, visit) {
  if (at === null) return make("div", { class: "wb-parts-at" }, text);
  return make("button", { type: "button", class: "wb-parts-at", tabindex: -1, dir: "ltr", title: `${text}; go to this token`, click: () => visit?.(at) }, make("bdi", {}, text));
}

/** The reward components, below the tokens. @param {Rollout} rollout */
export function rewardParts(rollout) {
  const parts = (rollout.parts ?? []).map((part) => make("span", { class: "wb-part" },
    make("span", { class: "wb-part-name" }, visible(part.name)), " ",
    part.late ? make("span", { class: "wb-badge", title: "given by the method in a later round; no reward of the run scores this rollout's text" }, "late") : null, part.late ? " " : null,
    part.value === null ? "unscored" : show(part.value),
    [part.reason, readText(part, rollout)].filter(Boolean).map((text) => make("span", { class: "wb-muted" }, " · ", make("bdi", {}, brief(visible(String(text))))))));
  const sum = sumText(rollout);
  if (sum) parts.push(make("span", { class: "wb-part wb-sum" }, make("bdi", {}, sum)));
  const tag = rollout.tag ? make("span", { class: "wb-badge" }, rollout.tag) : null;
  const round = (rollout.round ?? 0) > 0 ? make("span", { class: "wb-badge" }, `sampling round ${Number(rollout.round) + 1}`) : null;
  return parts.length || tag || round ? make("div", { class: "wb-parts" }, tag, round, parts) : null;
}

/** What a component extracted from the completion, beside the reference, unless its reason quotes it. @param {NonNullable<Rollout["parts"]>[number]} part @param {Rollout} rollout */
export function readText({ extracted, reason, value }, { answer }) {
  if (!extracted || value === null || reason?.includes(extracted)) return "";
  return answer ? `read ${extracted}, expected ${answer}` : `read ${extracted}`;
}

/** How the reward adds up; empty where a single component is the reward, or the sum is unknown. @param {Rollout} rollout */
export function sumText({ parts = [], reward, shaping, shaped_by: pieces = [] }) {
  if (reward === null || shaping === null || shaping === undefined || !parts.length) return "";
  const terms = parts.map(({ name, value, weight }) => `${visible(name)} ${weight === 1 ? "" : `${show(weight)} × `}${show(value)}`);
  if (shaping) terms.push(`shaping${pieces.length ? ` (${pieces.join(", ")})` : ""} ${show(shaping)}`);
  return terms.length > 1 || parts[0].weight !== 1 ? `reward ${show(reward)} = ${terms.join(" + ")}` : "";
}

/** A reason may be as long as a completion. @param {string} text */
function brief(text) {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)} … (${text.length} characters)` : text;
}

/** Below a rollout's tokens: how it ended, where it did not stop by itself, and its reward components. @param {Rollout} rollout */
export function rolloutFoot(rollout) {
  const text = /** @type {Record<string, string>} */ ({
    length: "truncated: max_tokens reached", given: "off-policy demonstration, not sampled", pruned: `pruned at token ${rollout.pruned_at ?? rollout.length}`,
  })[rollout.finish];
  const ending = !rollout.length ? make("span", { class: "wb-ending" }, "empty: no token was sampled") : text ? make("span", { class: "wb-ending" }, make("span", { class: "wb-hatch" }), ` ${text}`) : null;
  const parts = rewardParts(rollout);
  return ending || parts ? make("div", { class: "wb-foot" }, ending, parts) : null;
}
