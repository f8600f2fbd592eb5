import assert from "node:assert/strict";
import { test } from "node:test";

import { cellText, strength, totalText } from "../../widgets/weights/weights.js";

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
