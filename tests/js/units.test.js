import assert from "node:assert/strict";
import { test } from "node:test";

import { Shades } from "../../widgets/text/shades.js";
import { IDLE, MISSING, signalOf } from "../../widgets/page/signals.js";
import { unitValues, unitsOf } from "../../widgets/page/units.js";

test("words begin at spaces and at punctuation; parts of a number stay together", () => {
  assert.deepEqual([...unitsOf(["The", " an", "swer", ":", " 1", "2", "."], "word")], [0, 1, 1, 3, 4, 4, 6]);
  assert.deepEqual([...unitsOf(["na", "ï", "", "ve"], "word")], [0, 0, 0, 0]);
});

test("sentences end at a stop before a space, not inside a number; lines at line ends", () => {
  assert.deepEqual([...unitsOf(["It", " is", " 3", ".", "5", ".", " Yes", "!\n", "No"], "sentence")], [0, 0, 0, 0, 0, 0, 6, 6, 8]);
  assert.deepEqual([...unitsOf(["a", "\n", "b", ".\n\n", "c"], "line")], [0, 0, 2, 2, 4]);
  assert.deepEqual([...unitsOf(["a", "", "b"], "token")], [0, 1, 2]);
});

test("a unit's number is the sum or the mean of those that are there; none: missing, not zero", () => {
  const first = Int32Array.from([0, 0, 2, 3, 3]);
  const values = [1, 3, NaN, 5, NaN];
  assert.deepEqual([...unitValues(values, first, "sum")], [4, 4, NaN, 5, 5]);
  assert.deepEqual([...unitValues(values, first, "mean")], [2, 2, NaN, 5, 5]);
});

function group(columns, texts) {
  const length = texts.length;
  const vocabulary = Object.fromEntries(texts.map((text, id) => [id, [text, 0]]));
  const tokens = Int32Array.from(texts, (_, id) => id);
  return { rollouts: [{ rollout: 0, start: 0, length }], vocabulary, columns: { tokens, trained: new Uint8Array(length).fill(1), ...columns } };
}

test("ratios are united by their geometric mean, pushes by their sum", () => {
  const shades = new Shades(group({ ratio: [0.5, 2, 1], lens: [1, 2, 4] }, ["an", "swer", "."]));
  assert.ok(Math.abs(shades.values("ratio", "word")[0] - 1) < 1e-6);
  assert.equal(shades.values("lens", "word")[1], 3);
  assert.deepEqual([...shades.scale("lens", "word")], [3, 4]);
  assert.deepEqual(shades.unitAt("word", 1), { from: 0, to: 2 });
});

test("tokens that are not trained have no colour where the update is meant, and are no part of the scale", () => {
  const shades = new Shades(group({ lens: [1, NaN, 4], entropy: [1, 2, 3], trained: Uint8Array.from([1, 1, 0]) }, ["a", "b", "c"]));
  const limits = { low: -4, high: 4 };
  assert.deepEqual([...shades.levels(signalOf("lens"), limits, "token")], [4, MISSING, IDLE]);
  assert.notEqual(shades.levels(signalOf("entropy"), { low: 0, high: 3 }, "token")[2], IDLE);
  assert.deepEqual([...shades.scale("lens", "token")], [1, NaN]);
});

test("a signal that is not there is missing on every token", () => {
  const shades = new Shades(group({}, ["a", "b"]));
  assert.deepEqual([...shades.levels(signalOf("kl"), null, "token")], [MISSING, MISSING]);
  assert.equal(shades.scale("kl", "line").length, 0);
});
