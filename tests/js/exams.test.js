import assert from "node:assert/strict";
import { test } from "node:test";

import { crossingText, crossingsText, valueAt } from "../../widgets/exams/figure.js";
import { ratesText } from "../../widgets/exams/support.js";
import { cellText, strength, totalText } from "../../widgets/weights/weights.js";

const point = (k, value) => ({ k, value, low: value - 0.1, high: value + 0.1 });
const model = (label, ...values) => ({ run: "r", step: 0, label, curve: values.map((value, place) => point(2 ** place, value)) });

test("a crossing says which model falls, and whether the intervals settle it", () => {
  assert.equal(crossingText({ k: 5.6, clear: true, falls: true }, "b", "a"), "b falls below a at k ≈ 5.6");
  assert.equal(crossingText({ k: 31.7, clear: false, falls: false }, "b", "a"), "b rises above a at k ≈ 32: the intervals do not settle it");
});

test("without a crossing the side is said", () => {
  const models = [model("a", 0.1, 0.2), model("b", 0.2, 0.3), model("c", 0.1, 0.2)];
  const pairs = [{ crossings: [], gains: [point(1, 0.1), point(2, 0.1)] }, { crossings: [], gains: [point(1, 0), point(2, 0)] }];
  assert.deepEqual(crossingsText(models, pairs), ["b stays above a up to k = 2", "c equals a up to k = 2"]);
});

test("a curve is read between its k on a logarithmic axis", () => {
  const { curve } = model("a", 0.1, 0.3, 0.5);
  assert.ok(Math.abs(valueAt(curve, Math.SQRT2) - 0.2) < 1e-12);
  assert.ok(Math.abs(valueAt(curve, 4) - 0.5) < 1e-12);
});

test("rates that are not defined are left out, and chance is named", () => {
  assert.equal(ratesText({ counts: { retention: 0.5, discovery: null }, by_chance: 1.4 }), "SRR 0.5 · by chance about 1.4 would be gained, and lost, at half as many completions");
});

test("a missing number is no zero", () => {
  assert.equal(cellText(0.254), "25 %");
  assert.equal(cellText(0), "0 %");
  assert.equal(cellText(null), "·");
});

test("shares are coloured as they are, norms against the largest", () => {
  assert.equal(strength("changed", 0.3, 0.4), 0.3);
  assert.equal(strength("relative", 0.3, 0.6), 0.5);
  assert.equal(strength("relative", null, 0.4), 0);
  assert.equal(strength("relative", 0, 0), 0);
});

test("the whole change in words, without a rank where none was computed", () => {
  const found = { from: 0, to: 8, merged: true, total: { size: 1200, relative_norm: 0.01, rank: null, scaled: [] } };
  assert.equal(totalText(found), "1,200 merged weights, step 0 to 8 · relative norm 1 %");
  assert.ok(totalText({ ...found, merged: false, total: { ...found.total, rank: 0.5 } }).endsWith("· mean rank 50 % of the most there can be"));
});
