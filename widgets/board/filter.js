/** Filters for the rollouts of a group: by outcome and by text. */

/**
 * @typedef {import("../wire/payload.js").Rollout} Rollout
 * The filters. `sets`: the rollouts of pressed bars and of a chosen branch; null where nothing is chosen.
 * @typedef {{ outcome: string, text: string, sets: (Set<Rollout> | null)[] }} Choice
 */

/** @type {Record<string, { label: string, holds: (rollout: Rollout) => boolean }>} */
export const OUTCOMES = {
  all: { label: "all", holds: () => true },
  correct: { label: "correct", holds: ({ correct }) => (correct ?? 0) > 0.5 },
  incorrect: { label: "incorrect", holds: ({ correct }) => (correct ?? 1) <= 0.5 },
  unscored: { label: "unscored", holds: ({ correct }) => (correct ?? null) === null },
  pruned: { label: "pruned", holds: ({ finish }) => finish === "pruned" },
  truncated: { label: "truncated", holds: ({ finish }) => finish === "length" },
};

/** The rollouts that pass every filter. @param {Rollout[]} rollouts @param {Choice} choice @param {(rollout: Rollout) => string} textOf */
export function passing(rollouts, { outcome, text, sets }, textOf) {
  const sought = text.toLowerCase();
  return rollouts.filter((rollout) => OUTCOMES[outcome].holds(rollout) && sets.every((set) => !set || set.has(rollout))
    && (!sought || textOf(rollout).toLowerCase().includes(sought)));
}
