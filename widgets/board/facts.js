/** What the rollouts of a group came to, in numbers and words, and its line in the list of problems. */

import { make } from "../page/dom.js";
import { visible } from "../page/tokens.js";

/** @typedef {import("../wire/payload.js").Group} Group @typedef {import("../wire/payload.js").BoardEntry} BoardEntry */

/** How many are right, where any was scored. @param {(number | null | undefined)[]} verdicts */
export function rightTold(verdicts) {
  const right = verdicts.filter((correct) => (correct ?? 0) > 0.5).length;
  return verdicts.every((correct) => (correct ?? null) === null) ? "unscored" : `${right} of ${verdicts.length} right`;
}

/** What a group's rewards say at once. @param {Pick<BoardEntry, "rollouts">} group */
export function groupFacts(group) {
  const rewards = group.rollouts.map((rollout) => rollout[1]).filter((reward) => reward !== null);
  const mean = rewards.reduce((sum, reward) => sum + reward, 0) / rewards.length;
  const told = rightTold(group.rollouts.map(([, , correct]) => correct));
  const dead = rewards.length > 0 && rewards.every((reward) => reward === rewards[0]);
  return { mean, told, dead, scored: rewards.length };
}

/** The same of a group that was read. @param {Group} group */
export function factsOf({ rollouts }) {
  return groupFacts({ rollouts: rollouts.map(({ rollout, reward, correct, finish }) => [rollout, reward, correct, finish]) });
}

/** One problem in the list: its question and a mark for every rollout. @param {BoardEntry} group @param {boolean} chosen @param {() => void} choose */
export function groupEntry(group, chosen, choose) {
  const facts = groupFacts(group);
  const marks = group.rollouts.length > 64 ? [] : group.rollouts.map(([, , correct]) => {
    const name = correct === null ? "wb-unscored" : correct > 0.5 ? "wb-right" : "wb-wrong";
    return make("span", { class: `wb-chip ${name}` });
  });
  const label = `${facts.told}${facts.dead ? ", no signal: all rewards are equal" : ""}`;
  return make("button", {
    class: "wb-group", type: "button", tabindex: -1, "aria-pressed": String(chosen), "aria-label": `${visible(group.question)}; ${label}`,
    title: visible(group.problem), click: choose },
  make("span", { class: "wb-question" }, make("bdi", {}, visible(group.question || group.problem))),
  make("span", { class: "wb-chips", "aria-hidden": "true" }, marks),
  make("span", { class: "wb-muted" }, facts.told,
    facts.dead ? make("span", { class: "wb-badge", title: "every rollout earned the same, so a group-relative method learns nothing here" }, "no signal") : null));
}
