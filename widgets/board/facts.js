/** The outcomes of a group in numbers and words, and its card in the list of problems. */

import { make } from "../page/dom.js";
import { visible } from "../page/tokens.js";

/** @typedef {import("../wire/payload.js").Group} Group @typedef {import("../wire/payload.js").BoardEntry} BoardEntry */

export const ZERO_VARIANCE = "All rollouts have the same reward, so group-relative advantages are zero.";

/** "6 of 10 correct · 6 pruned": unscored rollouts count as incorrect, pruned ones are counted apart. @param {{ correct?: number | null, finish: string }[]} rollouts */
export function correctText(rollouts) {
  const scored = rollouts.filter(({ correct }) => (correct ?? null) !== null);
  const pruned = rollouts.filter(({ correct, finish }) => (correct ?? null) === null && finish === "pruned").length;
  const unscored = rollouts.length - scored.length - pruned;
  const correct = scored.filter((rollout) => Number(rollout.correct) > 0.5).length;
  if (!scored.length) return [unscored ? "unscored" : "", pruned ? `${pruned} pruned` : ""].filter(Boolean).join(" · ");
  const outcome = `${correct} of ${rollouts.length - pruned} correct${unscored ? ` (${unscored} unscored)` : ""}`;
  return pruned ? `${outcome} · ${pruned} pruned` : outcome;
}

/** The outcomes of a line of the board as rollouts. @param {Pick<BoardEntry, "rollouts">} group */
export function outcomesOf({ rollouts }) {
  return rollouts.map(([, , correct, finish]) => ({ correct, finish }));
}

/** Mean reward, how many are correct, how many are scored, and whether all rewards are equal. @param {Pick<BoardEntry, "rollouts">} group */
export function groupFacts(group) {
  const rewards = group.rollouts.map((rollout) => rollout[1]).filter((reward) => reward !== null);
  const mean = rewards.reduce((sum, reward) => sum + reward, 0) / rewards.length;
  const text = correctText(outcomesOf(group));
  const zeroVariance = rewards.length > 0 && rewards.every((reward) => reward === rewards[0]);
  return { mean, text, zeroVariance, scored: rewards.length };
}

/** The same for a loaded group. @param {Group} group */
export function factsOf({ rollouts }) {
  return groupFacts({ rollouts: rollouts.map(({ rollout, reward, correct, finish }) => [rollout, reward, correct, finish]) });
}

/** One problem in the list: its question and a mark for every rollout. @param {BoardEntry} group @param {boolean} chosen @param {() => void} choose */
export function groupEntry(group, chosen, choose) {
  const facts = groupFacts(group);
  const marks = group.rollouts.length > 64 ? [] : group.rollouts.map(([, , correct]) => {
    const name = correct === null ? "wb-unscored" : correct > 0.5 ? "wb-correct" : "wb-incorrect";
    return make("span", { class: `wb-chip ${name}` });
  });
  const label = `${facts.text}${facts.zeroVariance ? ", zero reward variance" : ""}`;
  return make("button", {
    class: "wb-group", type: "button", tabindex: -1, "aria-pressed": String(chosen), "aria-label": `${visible(group.question)}; ${label}`,
    title: visible(group.problem), click: choose },
  make("span", { class: "wb-question" }, make("bdi", {}, visible(group.question || group.problem))),
  make("span", { class: "wb-chips", "aria-hidden": "true" }, marks),
  make("span", { class: "wb-muted" }, facts.text,
    facts.zeroVariance ? make("span", { class: "wb-badge", title: ZERO_VARIANCE }, "zero variance") : null));
}
