/** Answers that belong to no step, in the token view: alone, or those of two models side by side. */

/** @typedef {import("./parts.js").Written} Written @typedef {import("../tokens/token_view.js").TokenView} View */

/**
 * @param {View} view @param {Written} left @param {Written | null} right
 * @param {import("../wire/payload.js").Rollout} [rollout] of `left`, where the reader begins
 */
export async function readAnswers(view, left, right, rollout = left.group.rollouts[0]) {
  if (!view.boardShown) throw new Error("the token view opens with the first recorded step of the run");
  await view.showGroup(left.group.group, Promise.resolve(left.group));
  view.tell(right ? "" : `Answers ${left.told}; the problems on the left lead back to the run.`);
  if (right) view.openCompare(rollout, right, left.told);
  else view.visit(rollout);
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  view.root.scrollIntoView({ block: "start", behavior: calm ? "auto" : "smooth" });
}
