import assert from "node:assert/strict";
import { test } from "node:test";

import { percent } from "../../widgets/card.js";
import { niceAbove } from "../../widgets/charts.js";
import { PICKS, SORTS, groupFacts, sortRollouts } from "../../widgets/board.js";
import { faceOf } from "../../widgets/tokens.js";
import { hitsIn } from "../../widgets/walker.js";

test("what cannot be seen gets a mark; the text stays what it was", () => {
  assert.deepEqual(faceOf("\n"), { text: "\n", mark: "⏎" });
  assert.deepEqual(faceOf("\n\n"), { text: "\n\n", mark: "⏎⏎" });
  assert.equal(faceOf("").mark, "∅");
  assert.equal(faceOf(" ").gap, true);
});

test("control and direction characters are shown, not obeyed", () => {
  assert.equal(faceOf("a\u0007").text, "a⟨07⟩");
  assert.equal(faceOf("\u202egnp").text, "⟨U+202E⟩gnp");
});

test("text is found across tokens", () => {
  const row = { spans: ["The", " an", "swer", " is"].map((textContent) => ({ textContent })) };
  assert.deepEqual(hitsIn(row, "answer").map(({ from, to }) => [from, to]), [[1, 2]]);
  assert.deepEqual(hitsIn(row, "x"), []);
});

test("a group is dead when all rewards are equal, whatever could not be judged", () => {
  const group = (rewards) => ({ rollouts: rewards.map((reward, number) => [number, reward, reward, "stop"]) });
  assert.equal(groupFacts(group([1, 1, null])).dead, true);
  assert.equal(groupFacts(group([1, 0])).dead, false);
  assert.equal(groupFacts(group([null, null])).dead, false);
});

test("order and picks; a rollout without a reward comes last", () => {
  const rollouts = [[0, 0.5, 4], [1, null, 9], [2, 1, 2]].map(([rollout, reward, length]) => ({ rollout, reward, length, start: 0 }));
  const group = { rollouts, columns: {} };
  assert.deepEqual(sortRollouts(group, "reward").map((each) => each.rollout), [2, 0, 1]);
  assert.deepEqual(sortRollouts(group, "length").map((each) => each.rollout), [1, 0, 2]);
  assert.equal(PICKS.best(rollouts).rollout, 2);
  assert.equal(PICKS.worst(rollouts).rollout, 0);
  assert.ok(Object.keys(SORTS).includes("entropy"));
});

test("axes end on round numbers, shares read as percent", () => {
  assert.equal(niceAbove(0.87), 1);
  assert.equal(niceAbove(23), 25);
  assert.equal(percent(0.846), "84.6 %");
  assert.equal(percent(NaN), "not recorded");
});
