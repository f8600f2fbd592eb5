import assert from "node:assert/strict";
import { test } from "node:test";

import { textOf } from "../../widgets/step/lists.js";
import { against, factsOf, largest, linesOf, outliers, reach, tokensOf, withoutGradient } from "../../widgets/step/math.js";

/** Two rollouts of three tokens; the last token was not scored again. */
const group = {
  rollouts: [{ rollout: 4, start: 0, length: 3, reward: 1 }, { rollout: 9, start: 3, length: 3, reward: 0 }],
  columns: { lens: Float32Array.from([1, 1, 0, -2, -1, -1]), change: Float32Array.from([0.5, -0.25, 0.125, -1, 0.5, NaN]),
    tokens: Int32Array.from([0, 1, 2, 3, 0, 1]) },
  vocabulary: { 0: ["a\nb", 0], 1: ["<script>", 0], 2: ["\u202eabc", 0], 3: ["x".repeat(500), 0] },
};
const tokens = tokensOf(group);

test("only tokens with a change count; one without a lens was weight nothing", () => {
  assert.deepEqual([...tokens.places], [0, 1, 2, 3, 4]);
  assert.deepEqual([...tokens.owners], [0, 0, 0, 1, 1]);
  const without = tokensOf({ ...group, columns: { change: group.columns.change } });
  assert.deepEqual([...without.weight], [0, 0, 0, 0, 0]);
  assert.equal(tokensOf({ ...group, columns: {} }).places.length, 0);
});

test("the numbers, worked by hand", () => {
  const facts = factsOf(tokens);
  assert.equal(facts.weight, 4);
  assert.equal(facts.agree, 3 / 5); // of 1 + 1 + 2 + 1 the first and the third
  assert.deepEqual(facts.up, { mean: 0.125, count: 2 });
  assert.deepEqual(facts.down, { mean: -0.25, count: 2 });
  assert.deepEqual(facts.idle, { mean: 0.125, count: 1 });
  assert.equal(facts.slope, 1.75 / 7); // (0.5 - 0.25 + 2 - 0.5) / (1 + 1 + 4 + 1)
  // weight 1 1 -2 -1, mean -1/4; delta .5 -.25 -1 .5, mean -1/16
  assert.ok(Math.abs(facts.correlation - (1.75 - 0.0625) / Math.sqrt((7 - 0.25) * (1.5625 - 0.015625))) < 1e-12);
});

test("a change that is no more than rounding is none: neither as told nor against", () => {
  const rounded = { ...tokens, delta: Float64Array.from([0.5, -1e-6, 1e-6, -1, 2e-6]) };
  const facts = factsOf(rounded);
  assert.equal(facts.agree, 1); // the first and the fourth moved, as told
  assert.ok(Math.abs(facts.still - 2 / 5) < 1e-12); // push 1 and 1 of 5
  assert.deepEqual([...against(rounded, 9), ...withoutGradient(rounded, 9)], []);
  assert.equal(linesOf(group, rounded)[0].agree, 1);
});

test("without spread there is no correlation, without a push no share", () => {
  const same = { places: new Int32Array(2), owners: new Int32Array(2), weight: Float64Array.from([1, 1]), delta: Float64Array.from([2, 3]) };
  assert.ok(Number.isNaN(factsOf(same).correlation));
  const none = { ...same, weight: new Float64Array(2) };
  assert.ok(Number.isNaN(factsOf(none).agree));
  assert.equal(factsOf(none).idle.mean, 2.5);
});

test("a line a rollout: sums, and the part that moved as told; one that was not scored again has none", () => {
  const three = { ...group, rollouts: [...group.rollouts, { rollout: 10, start: 5, length: 1, reward: 0 }] };
  const [first, second, ...rest] = linesOf(three, tokensOf(three));
  assert.deepEqual([first.rollout.rollout, first.tokens, first.weight, first.delta, first.agree], [4, 3, 2, 0.375, 0.5]);
  assert.deepEqual([second.tokens, second.weight, second.delta, second.agree], [2, -3, -0.5, 2 / 3]);
  assert.deepEqual(rest, []);
});

test("tokens worth a look, the worst first", () => {
  assert.deepEqual(against(tokens, 9), [4, 1]); // -1 · 0.5 and 1 · -0.25
  assert.deepEqual(withoutGradient(tokens, 9), [2]);
  assert.deepEqual(outliers(tokens, 0.25, 2), [4, 1]); // .75 and .5 from the line, the third is .5 too, later
  assert.deepEqual(outliers(tokens, NaN, 1), [3]); // nothing was weight: the largest change
});

test("of many the largest are found without sorting all, ties in their order", () => {
  const keys = Array.from({ length: 5000 }, (_, at) => (at * 7919) % 5003);
  const wanted = keys.map((key, at) => [key, at]).sort(([one], [other]) => other - one).slice(0, 20).map(([, at]) => at);
  assert.deepEqual(largest(keys.length, (at) => keys[at], 20), wanted);
  assert.deepEqual(largest(6, () => 1, 3), [0, 1, 2]);
  assert.deepEqual(largest(3, () => 0, 3), []);
});

test("an axis holds nearly all numbers, one freak does not stretch it", () => {
  assert.equal(reach(new Float64Array(3)), 1);
  assert.equal(reach(Float64Array.from([-2, 1])), 2.16);
  const many = Float64Array.from({ length: 1000 }, (_, at) => (at ? 1 : 1000));
  assert.equal(reach(many), 1.08);
});

test("a token's text stays on one line, short, and does not turn what stands beside it", () => {
  assert.deepEqual([0, 1].map((place) => textOf(group, place)), ["“a⏎b”", "“<script>”"]);
  assert.equal(textOf(group, 2), "“⟨U+202E⟩abc”");
  assert.equal(textOf(group, 3).length, 26);
});
