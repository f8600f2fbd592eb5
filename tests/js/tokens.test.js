import assert from "node:assert/strict";
import { test } from "node:test";

import { PICKS, SORTS, sortRollouts } from "../../widgets/board/board.js";
import { correctText, groupFacts } from "../../widgets/board/facts.js";
import { percent, rankText } from "../../widgets/text/card.js";
import { niceAbove } from "../../widgets/charts/charts.js";
import { sharedTokens, counterpartOf } from "../../widgets/text/compare.js";
import { hitsIn } from "../../widgets/text/find.js";
import { countsText } from "../../widgets/text/search.js";
import { baseClass, faceOf, readingOf, spellingOf, visible } from "../../widgets/page/tokens.js";

test("what cannot be seen gets a mark; every line of a token is a part of its own", () => {
  assert.deepEqual(faceOf("\n"), [{ text: "", mark: "⏎", ends: true }]);
  assert.deepEqual(faceOf(".\n\n a"), [{ text: ".", mark: "⏎", ends: true }, { text: "", mark: "⏎", ends: true }, { text: " a", mark: "", ends: false }]);
  assert.equal(faceOf("")[0].mark, "∅");
  assert.equal(faceOf("\r\n").length, 1);
});

test("what is longer than a line can hold is cut between characters", () => {
  const parts = faceOf("😀".repeat(60));
  assert.ok(parts.length > 1);
  assert.equal(parts.map((part) => part.text).join(""), "😀".repeat(60));
});

test("control and direction characters are shown, not obeyed", () => {
  assert.equal(visible("a\u0007"), "a⟨07⟩");
  assert.equal(visible("\u202egnp"), "⟨U+202E⟩gnp");
  assert.equal(visible("\u2028"), "⟨U+2028⟩");
  assert.equal(visible("שלום"), "שלום");
});

test("bytes of neighbours are joined to read them; those that make no character stay bytes", () => {
  const vocabulary = { 1: ["⟨E2 82⟩", 0, "e2 82"], 2: ["⟨AC⟩", 0, "ac"], 3: ["x", 0], 4: ["⟨20 F0⟩", 0, "20 f0"] };
  assert.deepEqual(readingOf(vocabulary, [3, 1, 2, 3]), ["x", "€", "", "x"]);
  assert.deepEqual(readingOf(vocabulary, [1, 3, 2]), ["⟨E2 82⟩", "x", "⟨AC⟩"]);
  assert.deepEqual(readingOf(vocabulary, [1, 1, 2]), ["⟨E2 82⟩", "€", ""]);
  assert.deepEqual(readingOf(vocabulary, [4, 9]), ["⟨20 F0⟩", "⟨?⟩"]);
});

test("token by token a character stands on the last of its tokens, and what is whole before it stays where it is", () => {
  const vocabulary = { 1: ["⟨20 E2 89⟩", 0, "20 e2 89"], 2: ["⟨88⟩", 0, "88"], 3: ["x", 0], 4: ["⟨F0 9F⟩", 0, "f0 9f"], 5: ["⟨8C⟩", 0, "8c"], 6: ["⟨9F⟩", 0, "9f"] };
  assert.deepEqual(spellingOf(vocabulary, [3, 1, 2, 3]), [undefined, " ", "≈", undefined]);
  assert.deepEqual(spellingOf(vocabulary, [4, 5, 6]), ["", "", "🌟"]);
  assert.deepEqual(spellingOf(vocabulary, [4, 5, 3]), [undefined, undefined, undefined]); // cut short: the bytes stay
  assert.deepEqual(spellingOf(vocabulary, [6, 1, 2]), [undefined, " ", "≈"]);
  for (const ids of [[3, 1, 2, 3], [4, 5, 6], [6, 1, 2]]) {
    const seen = spellingOf(vocabulary, ids).map((text, at) => text ?? vocabulary[ids[at]][0]).join("");
    assert.equal(seen, readingOf(vocabulary, ids).join(""));
  }
});

test("special tokens and bytes have classes of their own", () => {
  assert.equal(baseClass(["<|end|>", 1]), "wb-token wb-special");
  assert.equal(baseClass(["⟨E2⟩", 0, "e2"]), "wb-token wb-bytes");
  assert.equal(baseClass(undefined), "wb-token");
});

test("text is found across tokens, capital or not, and not without end", () => {
  const texts = ["The", " An", "swer", " is", " answer"];
  assert.deepEqual(hitsIn(texts, "answer"), [{ from: 1, to: 2 }, { from: 4, to: 4 }]);
  assert.deepEqual(hitsIn(texts, "x"), []);
  assert.deepEqual(hitsIn(texts, ""), []);
  assert.equal(hitsIn(["a".repeat(100)], "a", 7).length, 7);
  assert.deepEqual(hitsIn(["€", "", "x"], "€x"), [{ from: 0, to: 2 }]);
});

test("two rollouts share tokens up to where they part", () => {
  assert.equal(sharedTokens([1, 2, 3], [1, 2, 4]), 2);
  assert.equal(sharedTokens([1, 2], [1, 2, 4]), 2);
  assert.equal(sharedTokens([], [1]), 0);
});

test("the sibling to compare with earned something else; unscored is no difference", () => {
  const rollouts = [1, null, 1, 0].map((reward, rollout) => ({ rollout, reward }));
  assert.equal(counterpartOf({ rollouts }, rollouts[0]).rollout, 3);
  assert.equal(counterpartOf({ rollouts: rollouts.slice(0, 3) }, rollouts[0]).rollout, 1);
});

test("a group has zero reward variance when all its rewards are equal; unscored rollouts do not count", () => {
  const group = (rewards) => ({ rollouts: rewards.map((reward, number) => [number, reward, reward, "stop"]) });
  assert.equal(groupFacts(group([1, 1, null])).zeroVariance, true);
  assert.equal(groupFacts(group([1, 0])).zeroVariance, false);
  assert.equal(groupFacts(group([null, null])).zeroVariance, false);
});

test("how many are correct, where any is scored", () => {
  const told = (...verdicts) => groupFacts({ rollouts: verdicts.map((correct, number) => [number, null, correct, "stop"]) }).text;
  assert.equal(told(null, null, null), "unscored");
  assert.equal(told(1, 0, null), "1 of 3 correct (1 unscored)");
  assert.equal(correctText([{ correct: undefined, finish: "stop" }]), "unscored");
});

test("pruned rollouts are counted apart: they are neither correct nor incorrect", () => {
  const rollouts = [...Array(6).fill({ correct: 1, finish: "stop" }), ...Array(4).fill({ correct: 0, finish: "length" }), ...Array(6).fill({ correct: null, finish: "pruned" })];
  assert.equal(correctText(rollouts), "6 of 10 correct · 6 pruned");
  assert.equal(correctText(rollouts.slice(10)), "6 pruned");
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

test("a rank is the number of tokens that were more likely", () => {
  assert.deepEqual([0, 1, 2, 12345].map(rankText), ["the most likely token", "1 token more likely", "2 tokens more likely", "12,345 tokens more likely"]);
});

test("a search says how many of the rollouts it found are correct, and what it could not read", () => {
  const found = { hits: [], counts: { correct: 8, incorrect: 4, unscored: 0 }, rollouts: 1408, unreadable: [3] };
  assert.equal(countsText(found), "12 of 1,408 rollouts: 8 correct, 4 incorrect; unreadable: step 3");
  assert.equal(countsText({ ...found, counts: { correct: 0 }, unreadable: [] }), "0 of 1,408 rollouts");
});
