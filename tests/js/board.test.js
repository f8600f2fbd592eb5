import assert from "node:assert/strict";
import { test } from "node:test";

import { SORTS, sortRollouts } from "../../widgets/board/board.js";
import { exclusionText, firstChoice, kindsText } from "../../widgets/board/facts.js";
import { OUTCOMES, passing } from "../../widgets/board/filter.js";
import { readText, sumText } from "../../widgets/board/head.js";
import { barsOf, measuresOf } from "../../widgets/board/histogram.js";
import { isTrivial } from "../../widgets/board/tree.js";
import { everyBranch, meanKnown, prefixTree } from "../../widgets/board/prefix_tree.js";

const rollout = (number, more = {}) => ({ rollout: number, start: 0, length: 4, reward: 1, correct: 1, finish: "stop", ...more });
const ALL = { outcome: "all", text: "", sets: [] };
const nothing = () => "";

// ------------------------------------------------------------------ the prefix tree

test("rollouts part where their tokens differ, the larger branch first", () => {
  const root = prefixTree([[1, 2, 3, 9], [1, 2, 4], [1, 2, 3, 8]]);
  assert.deepEqual([root.from, root.to, root.members], [0, 2, [0, 1, 2]]);
  const [most, other] = root.children;
  assert.deepEqual([most.from, most.to, most.members], [2, 3, [0, 2]]);
  assert.deepEqual(most.children.map((each) => each.members), [[0], [2]]);
  assert.deepEqual([other.from, other.to, other.members, other.children], [2, 3, [1], []]);
});

test("a rollout that ends where the others go on is a branch of its own, without text", () => {
  const root = prefixTree([[1, 2], [1, 2, 3], [1, 2, 3]]);
  assert.deepEqual(root.children.map(({ from, to, members }) => [from, to, members]), [[2, 3, [1, 2]], [2, 2, [0]]]);
});

test("equal rollouts do not part; nor does one; an empty one ends at once", () => {
  for (const sequences of [[[5, 6], [5, 6]], [[5, 6]]]) {
    const root = prefixTree(sequences);
    assert.deepEqual([root.from, root.to, root.children], [0, 2, []]);
  }
  assert.deepEqual(prefixTree([[], [5]]).children.map((each) => each.members), [[0], [1]]);
});

test("every parting holds all its members once, and children begin where their parent ends", () => {
  const sequences = Array.from({ length: 60 }, (_, member) => Array.from({ length: 30 }, (_, at) => (member * 7 + at * at * (member % 5)) % 4));
  for (const branch of everyBranch(prefixTree(sequences, { widest: 100, deepest: 100 }))) {
    const [first] = branch.members;
    for (const member of branch.members) {
      assert.deepEqual(sequences[member].slice(0, branch.to), sequences[first].slice(0, branch.to));
    }
    if (!branch.children.length) continue;
    assert.deepEqual(branch.children.flatMap((each) => each.members).sort((a, b) => a - b), [...branch.members].sort((a, b) => a - b));
    assert.ok(branch.children.every((each) => each.from === branch.to));
  }
});

test("too many ways on are folded into one, too deep a tree is cut, and both say how many they hold", () => {
  const wide = prefixTree(Array.from({ length: 9 }, (_, member) => [0, member]), { widest: 4 });
  assert.equal(wide.children.length, 4);
  assert.equal(wide.children[3].folded, 6);
  assert.equal(wide.children[3].members.length, 6);
  const deep = prefixTree([[1, 1, 1], [1, 1, 2], [1, 2], [2]], { deepest: 1 });
  assert.deepEqual(deep.children.map((each) => [each.folded, each.members.length]), [[2, 3], [0, 1]]);
});

test("a tree of rollouts that all begin differently is closed at first", () => {
  assert.equal(isTrivial(prefixTree([[1, 5], [2, 5], [3]])), true);
  assert.equal(isTrivial(prefixTree([[1, 5], [1, 6], [3]])), false);
  assert.equal(isTrivial(prefixTree([[1, 5], [1, 6]])), false);
  assert.equal(isTrivial(prefixTree([[1, 5]])), false);
});

test("the mean of a branch is over what was scored", () => {
  assert.equal(meanKnown([1, null, 0]), 0.5);
  assert.ok(Number.isNaN(meanKnown([null])));
});

// ------------------------------------------------------------------ what the update excluded

const entry = (number, rewards, more = {}) => ({ group: number, problem: `p${number}`, question: "?", excluded: null,
  rollouts: rewards.map((reward, at) => [at, reward, reward === null ? null : Number(reward > 0), "stop"]), ...more });

test("groups that a filter removed are counted by their outcomes, and the filter is named", () => {
  const removed = [entry(0, [0, 0]), entry(1, [1, 1]), entry(2, [0, -1]), entry(3, [null, null]), entry(4, [1, 0])];
  assert.equal(kindsText(removed), "2 all incorrect · 1 all correct · 1 mixed · 1 unscored");
  assert.equal(exclusionText("filtered", ["dynamic_sampling"]), "removed by dynamic sampling");
  assert.equal(exclusionText("filtered", []), "removed by a filter");
  assert.equal(exclusionText("unscored", ["dynamic_sampling"]), "unscored");
});

test("the group that opens first was trained on and has rewards that differ", () => {
  const removed = entry(0, [-1, -2], { excluded: "filtered" }); // shaped rewards differ, the filter goes by correctness
  assert.equal(firstChoice([removed, entry(1, [1, 1]), entry(2, [1, 0])]).group, 2);
  assert.equal(firstChoice([entry(1, [1, 1]), removed]).group, 0);
  assert.equal(firstChoice([entry(1, [null, null]), entry(2, [1, 1])]).group, 1);
});

// ------------------------------------------------------------------ the histogram

test("few numbers have a bar each, and what has none a bar at the end", () => {
  const rollouts = [1, 0, 1, null].map((reward, number) => rollout(number, { reward }));
  const bars = barsOf(rollouts, (each) => each.reward ?? NaN);
  assert.deepEqual(bars.map(({ label, members }) => [label, members.length]), [["0", 1], ["1", 2], ["none", 1]]);
});

test("many numbers share bars of one width that hold every rollout once", () => {
  const lengths = Array.from({ length: 40 }, (_, number) => rollout(number, { length: 10 + number }));
  const bars = barsOf(lengths, (each) => each.length);
  assert.equal(bars[0].label, "10–13");
  assert.equal(bars.length, 10);
  assert.ok(bars.every(({ members }) => members.length === 4));
  const broken = Array.from({ length: 31 }, (_, number) => rollout(number, { reward: number / 30 }));
  assert.equal(barsOf(broken, (each) => each.reward).flatMap(({ members }) => members).length, 31);
});

test("what was not recorded cannot be counted by; one reward among several can", () => {
  const parts = [{ name: "exact", value: 1 }, { name: "format", value: null }];
  const group = { columns: {}, rollouts: [rollout(0, { parts })] };
  assert.deepEqual(measuresOf(group).map(([name]) => name), ["reward", "length", "part exact"]);
});

test("the mean entropy is over the tokens that have one", () => {
  const group = { columns: { entropy: Float32Array.from([NaN, 1, 3, NaN]) }, rollouts: [rollout(0)] };
  const [, measure] = measuresOf(group).find(([name]) => name === "entropy");
  assert.equal(measure.of(group, group.rollouts[0]), 2);
});

// ------------------------------------------------------------------ filters and orders

test("an outcome that is not known is neither correct nor incorrect", () => {
  const rollouts = [rollout(0), rollout(1, { correct: 0 }), rollout(2, { correct: null }), rollout(3, { correct: 0, finish: "pruned" })];
  const kept = (outcome) => passing(rollouts, { ...ALL, outcome }, nothing).map((each) => each.rollout);
  assert.deepEqual(Object.fromEntries(Object.keys(OUTCOMES).map((name) => [name, kept(name)])),
    { all: [0, 1, 2, 3], correct: [0], incorrect: [1, 3], unscored: [2], pruned: [3], truncated: [] });
});

test("all parts of a choice hold at once; words are found in any case", () => {
  const rollouts = [0, 1, 2].map((number) => rollout(number));
  const texts = ["So <b>it</b> is", "so be it", "no"];
  const textOf = (each) => texts[each.rollout];
  assert.deepEqual(passing(rollouts, { ...ALL, text: "SO" }, textOf).map((each) => each.rollout), [0, 1]);
  assert.deepEqual(passing(rollouts, { ...ALL, text: "<b>" }, textOf).map((each) => each.rollout), [0]);
  const sets = [new Set([rollouts[0], rollouts[1]]), null, new Set([rollouts[1], rollouts[2]])];
  assert.deepEqual(passing(rollouts, { ...ALL, sets }, textOf).map((each) => each.rollout), [1]);
});

test("what has no number comes last in every order, and ties stay as sampled", () => {
  const rollouts = [null, 0, 1, null].map((reward, number) => rollout(number, { reward }));
  const group = { columns: {}, rollouts };
  assert.deepEqual(sortRollouts(group, "reward").map((each) => each.rollout), [2, 1, 0, 3]);
  assert.deepEqual(sortRollouts(group, "entropy").map((each) => each.rollout), [0, 1, 2, 3]);
  assert.deepEqual(Object.keys(SORTS), ["sampled", "reward", "length", "entropy"]);
});

test("the reward adds up on one line, with weights and shaping", () => {
  const parts = [{ name: "math", value: 0, weight: 1 }];
  assert.equal(sumText({ reward: -2, parts, shaping: -2, shaped_by: ["scale", "overlong"] }), "reward −2 = math 0 + shaping (scale, overlong) −2");
  assert.equal(sumText({ reward: 0.5, parts: [{ name: "math", value: 1, weight: 0.5 }], shaping: 0 }), "reward 0.5 = math 0.5 × 1");
  assert.equal(sumText({ reward: 0, parts, shaping: 0 }), "");
  assert.equal(sumText({ reward: 1, parts, shaping: null }), "");
});

test("what was read off the completion stands beside the reference, unless the reason quotes it", () => {
  const part = { name: "math", value: 0, reason: "numbers compared (last number)", extracted: "6" };
  assert.equal(readText(part, { answer: "18" }), "read 6, expected 18");
  assert.equal(readText({ ...part, reason: "'6' is not '18'" }, { answer: "18" }), "");
  assert.equal(readText({ ...part, value: null }, { answer: "18" }), "");
});
