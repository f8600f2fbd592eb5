import assert from "node:assert/strict";
import { test } from "node:test";

import { STOPS, alike, parsed, placeOf, readPlain, valueAtPlace, withField } from "../../widgets/playground/entry.js";
import { wordsOf } from "../../widgets/playground/math.js";
import { Newest } from "../../widgets/wire/newest.js";
import { meanOf, named, signed } from "../../widgets/playground/table.js";
import { shownOf } from "../../widgets/playground/texts.js";

const CLIP = { path: ["surrogate", "low"], piece: "clip", name: "low", kind: "number", optional: false, low: 0.002, high: 20, log: true, zero: true };
const SHARE = { ...CLIP, name: "share", low: 0, high: 1, log: false, zero: true };

test("a slider over many sizes is logarithmic, and its lowest place is zero where zero is allowed", () => {
  assert.equal(valueAtPlace(CLIP, 0), 0);
  assert.equal(valueAtPlace(CLIP, STOPS / 2), 0.2);
  assert.equal(valueAtPlace(CLIP, STOPS), 20);
  assert.equal(placeOf(CLIP, 0), 0);
  assert.equal(placeOf(CLIP, 0.2), STOPS / 2);
  assert.equal(placeOf(CLIP, 1e9), STOPS);
});

test("every place of a slider comes back", () => {
  for (const field of [CLIP, SHARE, { ...SHARE, low: -2, high: 3, zero: false }]) {
    for (let place = 0; place <= STOPS; place += 1) assert.ok(Math.abs(placeOf(field, valueAtPlace(field, place)) - place) <= 1);
  }
  assert.equal(valueAtPlace({ ...SHARE, kind: "whole", high: 10 }, 51), 3);
});

test("what is not set stands at the end, and an empty box unsets only what may be unset", () => {
  assert.equal(placeOf(CLIP, null), STOPS);
  assert.equal(parsed({ ...CLIP, optional: true }, " "), null);
  assert.equal(parsed(CLIP, ""), "");
  assert.equal(parsed(CLIP, "1e-3"), 0.001);
  assert.equal(parsed(CLIP, "much"), "much");
});

test("a changed field is a line of a config's table; the others stay", () => {
  const card = { slots: { regularisers: [{ piece: "k3", coefficient: 0 }, { piece: "entropy_bonus", coefficient: 0.1 }] } };
  const entry = { method: "grpo", surrogate: { high: 0.3 } };
  assert.deepEqual(withField(entry, card, CLIP, 0.1), { method: "grpo", surrogate: { high: 0.3, low: 0.1 } });
  assert.deepEqual(withField({ method: "grpo", surrogate: "cispo" }, card, CLIP, null).surrogate, { piece: "cispo", low: "none" });
  const second = { ...CLIP, path: ["regularisers", 1, "coefficient"] };
  assert.deepEqual(withField(entry, card, second, 0.5).regularisers, [{ piece: "k3", coefficient: 0 }, { piece: "entropy_bonus", coefficient: 0.5 }]);
  assert.ok(alike(entry, { method: "grpo", surrogate: { high: 0.3 } }));
});

test("while one request is under way only the newest of the others is kept", async () => {
  const asked = [];
  const taken = [];
  const newest = new Newest((request) => new Promise((resolve) => { asked.push({ request, resolve }); }), (answer) => taken.push(answer), () => {});
  const done = newest.request(1);
  for (const request of [2, 3, 4]) newest.request(request);
  asked[0].resolve("a");
  await new Promise((resolve) => { setTimeout(resolve); });
  asked[1].resolve("b");
  await done;
  assert.deepEqual(asked.map(({ request }) => request), [1, 4]);
  assert.deepEqual(taken, ["a", "b"]);
});

test("a refusal is told, and the next request goes nevertheless", async () => {
  const told = [];
  const newest = new Newest((request) => (request === 1 ? Promise.reject(new Error("no")) : Promise.resolve(request)), (answer) => told.push(answer), (error) => told.push(error.message));
  await newest.request(1);
  await newest.request(2);
  assert.deepEqual(told, ["no", 2]);
});

test("a difference is against the first method, which shows its own weights; a method that failed shows nothing", () => {
  const answer = { columns: { "weight.0": Float32Array.of(1, 2), "weight.2": Float32Array.of(3, 1), "advantage.0": Float32Array.of(5, 5) } };
  assert.deepEqual([...shownOf(answer, 0, "difference")], [1, 2]);
  assert.deepEqual([...shownOf(answer, 2, "difference")], [2, -1]);
  assert.deepEqual([...shownOf(answer, 0, "advantage")], [5, 5]);
  assert.equal(shownOf(answer, 1, "weight"), null);
  assert.equal(shownOf({ columns: { "weight.1": Float32Array.of(1) } }, 1, "difference"), null);
});

test("a rollout's mean leaves out what was not read", () => {
  assert.equal(meanOf([9, 1, NaN, 3], { start: 1, length: 3 }), 2);
  assert.ok(Number.isNaN(meanOf([], { start: 0, length: 2 })));
  assert.equal(signed(0.5), "+0.5");
  assert.equal(signed(-0.5), "−0.5");
  assert.equal(signed(NaN), "–");
  assert.equal(named({ title: "GSPO", edited: "low 0.1" }), "GSPO · low 0.1");
});

test("equations are read word by word", () => {
  assert.deepEqual(wordsOf(String.raw`\frac12 A_{i,t}\ \|`), ["\\frac", "12", " ", "A", "_", "{", "i", ",", "t", "}", "\\ ", "\\|"]);
});

test("a piece is chosen by its name: in a slot, inside a piece, one of several, one more, one less", () => {
  const card = { slots: { surrogate: { piece: "clip", low: 0.2 }, correction: "none",
    regularisers: [{ piece: "k3", coefficient: 0.1 }], reduction: { piece: "ending", left_out: { piece: "fading", end: 0.8 } } } };
  const entry = { method: "grpo" };
  const choose = (path, value, from = entry) => withField(from, card, { path, kind: "piece" }, value);
  assert.deepEqual(choose(["surrogate"], "cispo"), { method: "grpo", surrogate: { piece: "cispo" } });
  assert.deepEqual(choose(["correction"], null).correction, "none");
  assert.deepEqual(choose(["reduction", "left_out"], "constant").reduction, { left_out: { piece: "constant" } });
  assert.deepEqual(choose(["regularisers", 0, "reduction"], "token_mean").regularisers, [{ piece: "k3", coefficient: 0.1, reduction: { piece: "token_mean" } }]);
  const more = choose(["regularisers", 1], "entropy_bonus");
  assert.deepEqual(more.regularisers, [{ piece: "k3", coefficient: 0.1 }, { piece: "entropy_bonus" }]);
  assert.deepEqual(choose(["regularisers", 0], null, more).regularisers, [{ piece: "entropy_bonus" }]);
  assert.deepEqual(choose(["regularisers", 0], "k2", { method: "grpo", regularisers: "none" }).regularisers, [{ piece: "k2" }]);
});

test("a field inside a piece inside a piece keeps all that stands beside it", () => {
  const card = { slots: { reduction: { piece: "ending", share: 0.5, left_out: { piece: "fading", end: 0.8, begin: 0 } } } };
  const end = { path: ["reduction", "left_out", "end"], kind: "number" };
  const once = withField({ method: "x" }, card, end, 0.3);
  assert.deepEqual(once.reduction, { piece: "ending", share: 0.5, left_out: { piece: "fading", end: 0.3, begin: 0 } });
  const twice = withField(withField(once, card, { path: ["reduction", "share"], kind: "number" }, 0.9), card, { path: ["reduction", "left_out", "begin"], kind: "number" }, 0.1);
  assert.deepEqual(twice.reduction, { piece: "ending", share: 0.9, left_out: { piece: "fading", end: 0.3, begin: 0.1 } });
  const named = withField({ method: "x", reduction: { piece: "ending", left_out: "fading" } }, card, end, 0.3);
  assert.deepEqual(named.reduction.left_out, { piece: "fading", end: 0.3 });
});

test("what is no number and no text is written as JSON; what is none stays, to be told", () => {
  assert.deepEqual(readPlain({}, "[1, 2]"), [1, 2]);
  assert.equal(readPlain({}, "[1, 2"), "[1, 2");
  assert.equal(readPlain({ optional: true }, " "), null);
});
