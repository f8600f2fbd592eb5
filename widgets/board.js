/** The groups of a step, and the head of a rollout: outcome, reward parts, length, entropy at a glance. */

import { draw, make } from "./dom.js";
import { show } from "./signals.js";

/** Right, wrong or not judged, by shape as well as by colour. */
export function verdictMark(correct) {
  const [name, mark, told] = correct === null || correct === undefined
    ? ["wb-unjudged", "?", "could not be judged"]
    : correct > 0.5 ? ["wb-right", "✓", "right"] : ["wb-wrong", "✗", "wrong"];
  return make("span", { class: `wb-verdict ${name}`, role: "img", "aria-label": told, title: told }, mark);
}

/** What a group's rewards say at once. */
export function groupFacts(group) {
  const rewards = group.rollouts.map((rollout) => rollout[1]).filter((reward) => reward !== null);
  const mean = rewards.reduce((sum, reward) => sum + reward, 0) / rewards.length;
  const right = group.rollouts.filter((rollout) => rollout[2] > 0.5).length;
  const dead = rewards.length > 0 && rewards.every((reward) => reward === rewards[0]);
  return { mean, right, dead, judged: rewards.length };
}

/** One problem in the list: its question and a mark for every rollout. */
export function groupEntry(group, chosen, choose) {
  const facts = groupFacts(group);
  const marks = group.rollouts.length > 64 ? [] : group.rollouts.map((rollout) => {
    const name = rollout[2] === null ? "wb-unjudged" : rollout[2] > 0.5 ? "wb-right" : "wb-wrong";
    return make("span", { class: `wb-chip ${name}` });
  });
  const label = `${facts.right} of ${group.rollouts.length} right${facts.dead ? ", no signal: all rewards are equal" : ""}`;
  return make("button", {
    class: "wb-group", type: "button", tabindex: -1, "aria-pressed": String(chosen), "aria-label": `${group.question}; ${label}`,
    title: group.problem, click: choose },
  make("span", { class: "wb-question" }, group.question || group.problem),
  make("span", { class: "wb-chips", "aria-hidden": "true" }, marks),
  make("span", { class: "wb-muted" }, `${facts.right}/${group.rollouts.length} right`,
    facts.dead ? make("span", { class: "wb-badge", title: "every rollout earned the same, so a group-relative method learns nothing here" }, "no signal") : null));
}

/** Entropy along a rollout. */
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

/** The column left of a rollout's tokens. */
export function rolloutHead(group, rollout, top) {
  const entropy = group.columns.entropy?.subarray(rollout.start, rollout.start + rollout.length);
  return make("div", { class: "wb-head" },
    make("div", { class: "wb-outcome" }, verdictMark(rollout.correct),
      make("b", { title: "reward" }, rollout.reward === null ? "no reward" : show(rollout.reward)),
      make("span", { class: "wb-muted" }, `#${rollout.rollout}`)),
    make("div", { class: "wb-outcome" }, sparkline(entropy, top),
      make("span", { class: "wb-muted", title: "tokens" }, `${rollout.length} tok`)));
}

/** What each reward said, below the tokens. */
export function rewardParts(rollout) {
  const parts = (rollout.parts ?? []).map((part) => make("span", { class: "wb-part" },
    make("span", { class: "wb-part-name" }, part.name), " ",
    part.value === null ? "not judged" : show(part.value),
    part.reason ? make("span", { class: "wb-muted" }, ` · ${part.reason}`) : null));
  const tag = rollout.tag ? make("span", { class: "wb-badge" }, rollout.tag) : null;
  const round = rollout.round > 0 ? make("span", { class: "wb-badge" }, `round ${rollout.round + 1}`) : null;
  return parts.length || tag || round ? make("div", { class: "wb-parts" }, tag, round, parts) : null;
}

export const SORTS = {
  sampled: { label: "as sampled", key: (_, rollout) => rollout.rollout },
  reward: { label: "reward", key: (_, rollout) => -(rollout.reward ?? -Infinity) },
  length: { label: "length", key: (_, rollout) => -rollout.length },
  entropy: { label: "mean entropy", key: (group, rollout) => -meanOf(group.columns.entropy, rollout) },
};

function meanOf(values, rollout) {
  if (!values) return 0;
  const part = values.subarray(rollout.start, rollout.start + rollout.length);
  return part.reduce((sum, value) => sum + (Number.isFinite(value) ? value : 0), 0) / Math.max(1, part.length);
}

/** The rollouts of a group in the order asked for; ties stay as sampled. */
export function sortRollouts(group, sort) {
  const { key } = SORTS[sort];
  const order = group.rollouts.map((rollout) => [key(group, rollout), rollout]);
  return order.sort((one, other) => one[0] - other[0] || one[1].rollout - other[1].rollout).map(([, rollout]) => rollout);
}

/** Rollouts worth a look, by name. */
export const PICKS = {
  best: (rollouts) => extreme(rollouts, (rollout) => rollout.reward ?? -Infinity),
  worst: (rollouts) => extreme(rollouts, (rollout) => -(rollout.reward ?? Infinity)),
  longest: (rollouts) => extreme(rollouts, (rollout) => rollout.length),
  random: (rollouts) => rollouts[Math.floor(Math.random() * rollouts.length)],
};

function extreme(rollouts, size) {
  return rollouts.reduce((best, rollout) => (size(rollout) > size(best) ? rollout : best));
}
