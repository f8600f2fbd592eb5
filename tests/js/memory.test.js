import assert from "node:assert/strict";
import { test } from "node:test";

import { Lineage, roleOf, rolesOf } from "../../widgets/board/lineage.js";
import { factsOf } from "../../widgets/board/facts.js";
import { chartData, seriesOf } from "../../widgets/charts/chart_data.js";
import { CHARTS } from "../../widgets/charts/charts.js";
import { kindText } from "../../widgets/charts/chart.js";
import { cellText, summaryText } from "../../widgets/memory/ledger.js";
import { limits } from "../../widgets/memory/map.js";
import { triedText, visitsText } from "../../widgets/memory/stock.js";

const solve = { group: 0, problem: "p", question: "", rollouts: [[0, 1, 1, "stop"], [1, 0, 0, "stop"]] };
const propose = { group: 1, problem: "q", question: "", role: "propose", source: "run", rollouts: [[2, 0.75, null, "stop"], [3, -1, null, "stop"]] };
const tries = { group: 2, problem: "m", question: "", role: "try", rollouts: [[4, 1, 1, "stop", 2], [5, 0, 0, "stop", 2]] };

test("roles are counted in the order in which they were sampled; without a role a group solves", () => {
  assert.deepEqual([...rolesOf([tries, propose, solve])], [["solve", 1], ["propose", 1], ["try", 1]]);
  assert.equal(roleOf({ role: "" }), "solve");
});

test("descent leads up to the parent and down to the first that was made", () => {
  const lineage = new Lineage([solve, propose, tries]);
  assert.deepEqual(lineage.next({ rollout: 5, parent: 2 }, true), { group: 1, rollout: 2 });
  assert.deepEqual(lineage.next({ rollout: 2, parent: null }, false), { group: 2, rollout: 4 });
  assert.equal(lineage.next({ rollout: 3, parent: null }, false), null);
  assert.equal(lineage.next({ rollout: 9, parent: 77 }, true), null); // the parent's group is not in the page
  assert.deepEqual([4, 0, 2].map((rollout) => lineage.shared(rollout)), [2, null, null]);
  assert.deepEqual(lineage.children.get(2).map(({ outcomes }) => outcomes.length), [2]);
});

test("rewards without grades are no missing scores", () => {
  const rollout = (reward, correct) => ({ rollout: 0, reward, correct, finish: "stop" });
  assert.equal(factsOf({ rollouts: [rollout(0.75, null), rollout(-1, undefined)] }).text, "not graded");
  assert.equal(factsOf({ rollouts: [rollout(null, null)] }).text, "unscored");
});

test("a role has a line beside the solving rollouts, and never more lines than colours", () => {
  const spec = CHARTS.find(({ title }) => title === "Entropy");
  const columns = { step: [1, 2], entropy: [1, 0.9], "entropy.propose": [0.5, 0.4] };
  assert.deepEqual(seriesOf(spec, columns).map(([, label]) => label), ["entropy", "propose"]);
  assert.equal(chartData(spec, [{ name: "", columns }]).lines[1].at(2), 0.4);
  assert.equal(seriesOf(spec, { ...columns, "entropy.propose.find": [1, 1] }).length, 2);
  const many = Object.fromEntries(Array.from({ length: 30 }, (_, place) => [`correct.s${place}`, [1]]));
  assert.equal(seriesOf(CHARTS.find(({ title }) => title === "Correct"), { step: [1], correct: [1], ...many }).length, 8);
  assert.deepEqual(seriesOf(CHARTS.find(({ title }) => title === "Reward"), { step: [1], reward: [1], "reward.exact": [1] }).length, 1);
});

test("an alarm says what it did to the run", () => {
  assert.equal(kindText({ kind: "alarm", action: "pause" }), "alarm, paused the run");
  assert.equal(kindText({ kind: "alarm", action: "note" }), "alarm");
  assert.equal(kindText({ kind: "set" }), "set");
});

test("a visit in words, with the steps that share its column", () => {
  assert.equal(cellText([3, 3, 8, 2], 0, 1), "step 3: 2 of 8 correct");
  assert.equal(cellText([1, 19, 8, 0], 0, 10), "steps 10 to 19, last 19: 0 of 8 correct");
  assert.equal(cellText([0, 0, 0, 0], 0, 1), "step 0: not graded");
});

test("problems never asked are counted where the task has an end", () => {
  assert.equal(summaryText({ all: 1200, asked: 1000 }, { size: 100000, reason: "" }), "1,200 problems asked · 99,000 of the task's 100,000 problems never asked");
  assert.equal(summaryText({ all: 1, asked: 1 }, { size: null, reason: "the task makes problems without end" }), "1 problem asked · the task makes problems without end");
  assert.equal(summaryText({ all: 1, asked: 1 }, null), "1 problem asked");
});

test("attempts at a made problem are summed over the steps", () => {
  assert.equal(visitsText([]), "not asked yet");
  assert.equal(visitsText([[3, 4, 1]]), "asked at step 3: 1 of 4 correct");
  assert.equal(visitsText([[3, 4, 1], [9, 4, 3]]), "asked at 2 steps, last 9: 4 of 8 correct");
});

test("who solved a problem in the step of its making, where anybody graded it", () => {
  assert.equal(triedText([["try", 3, 4], ["", 0, 2], ["check", 0, 0]]), " · try: 3 of 4 correct · solve: 0 of 2 correct");
});

test("an axis has room around a single value, and one without values is empty", () => {
  assert.deepEqual(limits([2, 5, 3]), [2, 5]);
  assert.deepEqual(limits([4]), [3.5, 4.5]);
  assert.deepEqual(limits([]), [0, 1]);
});
