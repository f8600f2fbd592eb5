import assert from "node:assert/strict";
import { test } from "node:test";

import { STOPS, alike, parsed, placeOf, valueAtPlace, withField } from "../../widgets/playground_entry.js";
import { wordsOf } from "../../widgets/playground_math.js";
import { Newest } from "../../widgets/playground_newest.js";
import { meanOf, named, signed } from "../../widgets/playground_table.js";
import { shownOf } from "../../widgets/playground_texts.js";

const CLIP = { slot: "surrogate", number: null, piece: "clip", name: "low", kind: "number", optional: false, low: 0.002, high: 20, log: true, zero: true };
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
  const second = { ...CLIP, slot: "regularisers", number: 1, name: "coefficient" };
  assert.deepEqual(withField(entry, card, second, 0.5).regularisers, [{ piece: "k3", coefficient: 0 }, { piece: "entropy_bonus", coefficient: 0.5 }]);
  assert.ok(alike(entry, { method: "grpo", surrogate: { high: 0.3 } }));
});

test("while one request is under way only the newest of the others is kept", async () => {
  const asked = [];
  const taken = [];
  const newest = new Newest((request) => new Promise((resolve) => { asked.push({ request, resolve }); }), (answer) => taken.push(answer), () => {});
  const done = newest.want(1);
  for (const request of [2, 3, 4]) newest.want(request);
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
  await newest.want(1);
  await newest.want(2);
  assert.deepEqual(told, ["no", 2]);
});

test("a difference is against the first method, which shows its own push; a method that failed shows nothing", () => {
  const answer = { columns: { "push.0": Float32Array.of(1, 2), "push.2": Float32Array.of(3, 1), "advantage.0": Float32Array.of(5, 5) } };
  assert.deepEqual([...shownOf(answer, 0, "apart")], [1, 2]);
  assert.deepEqual([...shownOf(answer, 2, "apart")], [2, -1]);
  assert.deepEqual([...shownOf(answer, 0, "advantage")], [5, 5]);
  assert.equal(shownOf(answer, 1, "push"), null);
  assert.equal(shownOf({ columns: { "push.1": Float32Array.of(1) } }, 1, "apart"), null);
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
