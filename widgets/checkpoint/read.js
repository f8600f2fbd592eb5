/** Shows completions in the token view: of one checkpoint, or of two side by side. */

/** @typedef {import("./parts.js").Completions} Completions @typedef {import("../tokens/token_view.js").TokenView} View */

/**
 * @param {View} view @param {Completions} left @param {Completions | null} right
 * @param {import("../wire/payload.js").Rollout} [rollout] of `left`, to begin with
 */
export async function showCompletions(view, left, right, rollout = left.group.rollouts[0]) {
  if (!view.boardShown) throw new Error("the token view opens with the first recorded step of the run");
  await view.showGroup(left.group.group, Promise.resolve(left.group));
  view.notify(right ? "" : `Completions ${left.source}. Choose a problem on the left to return to the run.`);
  if (right) view.openCompare(rollout, right, left.source);
  else view.visit(rollout);
  const reduced = matchMedia("(prefers-reduced-motion: reduce)").matches;
  view.root.scrollIntoView({ block: "start", behavior: reduced ? "auto" : "smooth" });
}
