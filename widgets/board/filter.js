/** Which rollouts of a group are shown: by how they came out, and by words in them. */

/**
 * @typedef {import("../wire/payload.js").Rollout} Rollout
 * What is kept: `sets` are those of pressed bars and of a branch, null where nothing is chosen.
 * @typedef {{ outcome: string, text: string, sets: (Set<Rollout> | null)[] }} Choice
 */

/** @type {Record<string, { label: string, holds: (rollout: Rollout) => boolean }>} */
export const OUTCOMES = {
  all: { label: "all", holds: () => true },
  right: { label: "right", holds: ({ correct }) => (correct ?? 0) > 0.5 },
  wrong: { label: "wrong", holds: ({ correct }) => (correct ?? 1) <= 0.5 },
  unscored: { label: "unscored", holds: ({ correct }) => (correct ?? null) === null },
  pruned: { label: "pruned", holds: ({ finish }) => finish === "pruned" },
  truncated: { label: "cut off", holds: ({ finish }) => finish === "length" },
};

/** The rollouts that pass all of a choice. @param {Rollout[]} rollouts @param {Choice} choice @param {(rollout: Rollout) => string} textOf */
export function passing(rollouts, { outcome, text, sets }, textOf) {
  const sought = text.toLowerCase();
  return rollouts.filter((rollout) => OUTCOMES[outcome].holds(rollout) && sets.every((set) => !set || set.has(rollout))
    && (!sought || textOf(rollout).toLowerCase().includes(sought)));
}
