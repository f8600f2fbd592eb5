import assert from "node:assert/strict";
import { test } from "node:test";

import { availableFirst } from "../../widgets/page/picker.js";
import { LEVELS, describeSignals, helpOf, limitsOf, nameMethods, paintOf, quantile, show, signalOf } from "../../widgets/page/signals.js";

const advantage = signalOf("advantage");
const ratio = signalOf("ratio");

test("limits of a signed signal are symmetric and robust", () => {
  const values = [...Array(99).fill(1), -1, 1000];
  assert.deepEqual(limitsOf(advantage, values), { low: -1, high: 1 });
});

test("a signal that is missing everywhere has no limits", () => {
  assert.equal(limitsOf(advantage, [NaN, NaN]), null);
});

test("missing is not zero", () => {
  const limits = { low: -1, high: 1 };
  assert.equal(paintOf(advantage, limits, NaN), "wb-missing");
  assert.equal(paintOf(advantage, limits, 0), "wb-zero");
});

test("sign and size choose the class; beyond the limit it stays the strongest", () => {
  const limits = { low: -2, high: 2 };
  assert.equal(paintOf(advantage, limits, 1), `wb-up wb-l${LEVELS / 2}`);
  assert.equal(paintOf(advantage, limits, -7), `wb-down wb-l${LEVELS}`);
});

test("a ratio is as far above one as its inverse below", () => {
  const limits = limitsOf(ratio, [0.5, 2]);
  assert.equal(paintOf(ratio, limits, 2).replace("wb-up", ""), paintOf(ratio, limits, 0.5).replace("wb-down", ""));
  assert.equal(paintOf(ratio, limits, 1), "wb-zero");
});

test("a column that nobody described is signed when it goes below zero", () => {
  assert.equal(signalOf("my_signal", [1, -1]).scale, "signed");
  assert.equal(signalOf("my_signal", [1, 2]).scale, "amount");
});

test("numbers for people", () => {
  assert.equal(show(NaN), "not recorded");
  assert.equal(show(0), "0");
  assert.equal(show(-0.25), "−0.25");
  assert.equal(show(1234.5), "1235");
  assert.equal(show(100), "100");
  assert.equal(show(0.000123), "1.2·10⁻⁴");
});

test("quantiles lie between neighbours", () => {
  assert.equal(quantile([0, 10], 0.25), 2.5);
});

test("a signal is named and explained as the payload describes it", () => {
  describeSignals({ margin: { label: "margin to the runner-up", unit: "nats", help: "Log-prob of the first minus the second." } });
  const margin = signalOf("margin", [0.5, 1]);
  assert.equal(margin.label, "margin to the runner-up");
  assert.equal(margin.scale, "amount");
  assert.equal(helpOf(margin), "Log-prob of the first minus the second. [nats]");
  assert.equal(helpOf(signalOf("nobody_described_it")), "");
});

test("log-probs of every policy are drawn alike: the more surprising, the darker", () => {
  for (const name of ["logprob", "ref_logprob", "behaviour_logprob"]) {
    const limits = limitsOf(signalOf(name), [-4, 0]);
    assert.equal(paintOf(signalOf(name), limits, 0), "wb-zero");
    assert.notEqual(paintOf(signalOf(name), limits, -4), "wb-zero");
  }
});

test("methods whose lens cannot be had come last, and a lens has the method's title", () => {
  const methods = [{ key: "ace", title: "ACE", changes: "", error: "needs reference log-prob" }, { key: "gspo", title: "GSPO", changes: "", error: "" }];
  assert.deepEqual(availableFirst(methods).map(({ key }) => key), ["gspo", "ace"]);
  assert.equal(signalOf("lens:gspo").label, "lens of gspo");
  nameMethods(methods);
  assert.equal(signalOf("lens:gspo").label, "lens of GSPO");
});
