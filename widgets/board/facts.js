/** The outcomes of a group in numbers and words, and what a filter removed. */

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

/** Mean reward, how many are correct, how many are scored, whether all of several rewards are equal, and whether there are rewards without grades. @param {Pick<BoardEntry, "rollouts">} group */
export function groupFacts(group) {
  const rewards = group.rollouts.map((rollout) => rollout[1]).filter((reward) => reward !== null);
  const mean = rewards.reduce((sum, reward) => sum + reward, 0) / rewards.length;
  const ungraded = rewards.length > 0 && group.rollouts.every(([, , correct]) => correct === null);
  const text = ungraded ? "not graded" : correctText(outcomesOf(group));
  const zeroVariance = rewards.length > 1 && rewards.every((reward) => reward === rewards[0]);
  return { mean, text, zeroVariance, ungraded, scored: rewards.length };
}

/** The same for a loaded group. @param {Group} group */
export function factsOf({ rollouts }) {
  return groupFacts({ rollouts: rollouts.map(({ rollout, reward, correct, finish }) => [rollout, reward, correct ?? null, finish]) });
}

/** The first group that taught something: trained on, with rewards that differ; else one whose rewards differ, else the first.
 * @template {BoardEntry} Entry @param {Entry[]} groups @returns {Entry} */
export function firstChoice(groups) {
  const varied = groups.filter(({ rollouts }) => new Set(rollouts.map(([, reward]) => reward).filter((reward) => reward !== null)).size > 1);
  return varied.find(({ excluded }) => !excluded) ?? varied[0] ?? groups[0];
}

const KINDS = ["all correct", "all incorrect", "mixed", "unscored"];

/** @param {BoardEntry} group */
function kindOf({ rollouts }) {
  const scored = rollouts.map(([, , correct]) => correct).filter((correct) => correct !== null);
  const correct = scored.filter((each) => each > 0.5).length;
  if (!scored.length) return "unscored";
  return correct === scored.length ? "all correct" : correct ? "mixed" : "all incorrect";
}

/** What groups that were not trained on are: "11 all incorrect · 3 all correct". @param {BoardEntry[]} groups */
export function kindsText(groups) {
  const counts = KINDS.map((kind) => ({ kind, count: groups.filter((group) => kindOf(group) === kind).length }));
  return counts.filter(({ count }) => count).sort((one, other) => other.count - one.count).map(({ kind, count }) => `${count} ${kind}`).join(" · ");
}

/** Why a group was not trained on, and by what. @param {string} reason as recorded @param {string[]} filters names of the method's */
export function exclusionText(reason, filters) {
  if (reason !== "filtered") return reason;
  return filters.length ? `removed by ${filters.join(" or ").replaceAll("_", " ")}` : "removed by a filter";
}
