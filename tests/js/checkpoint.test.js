import assert from "node:assert/strict";
import { test } from "node:test";

import { summary } from "../../widgets/checkpoint/written.js";
import { effort, progressText } from "../../widgets/checkpoint/evaluate.js";
import { addressBeside } from "../../widgets/checkpoint/fork.js";
import { Checkpoints, Debounce, checkpointText, choices, messageOf, stepOf } from "../../widgets/checkpoint/parts.js";
import { showCompletions } from "../../widgets/checkpoint/read.js";
import { gainLines, percent } from "../../widgets/checkpoint/results.js";

test("checkpoints have names", () => {
  assert.equal(checkpointText(0), "before training");
  assert.equal(checkpointText(20), "after step 20");
  assert.equal(messageOf(new Error("gone")), "gone");
  assert.equal(messageOf("gone"), "gone");
});

test("the newest is resolved by the kernel; before the first checkpoint there is none", () => {
  assert.deepEqual(choices([0, 4, 8]), [["0", "before training"], ["4", "after step 4"], ["newest", "newest (after step 8)"]]);
  assert.deepEqual(choices([0]), [["0", "before training"]]);
  assert.deepEqual(["0", "4", "newest"].map(stepOf), [0, 4, null]);
});

test("checkpoints are offered again only where there are others", async () => {
  const answers = [[0, 2], [0, 2], [0, 4]];
  const offered = [];
  const kept = new Checkpoints({ ask: async () => ({ steps: answers.shift() }) }, ({ steps }) => offered.push(steps));
  for (let look = 0; look < 3; look += 1) await kept.refresh();
  assert.deepEqual(offered, [[0, 2], [0, 4]]);
});

test("the size of an evaluation follows from its largest k", () => {
  assert.equal(effort(2, 64, "1, 4, 16"), "2,048 completions: 2 checkpoints, 64 problems, 16 samples each");
  assert.equal(effort(1, 5, "3"), "15 completions: 1 checkpoint, 5 problems, 3 samples each");
  assert.equal(effort(1, 5, "many"), "");
});

test("the progress of an evaluation in words", () => {
  const going = { verdict: "running", text: "", step: null, seconds: 3.4 };
  assert.equal(progressText(going), "loading the model");
  assert.equal(progressText({ ...going, step: 20 }), "evaluating the model after step 20");
  assert.equal(progressText({ ...going, verdict: "done" }), "done in 3 s");
  assert.equal(progressText({ ...going, verdict: "cancelled" }), "cancelled after 3 s; finished results are kept");
  assert.equal(progressText({ ...going, verdict: "failed", text: "no room" }), "evaluation failed: no room");
  assert.equal(progressText({ ...going, verdict: "" }), "");
});

test("a share that is missing is no zero; a gain has its sign and its interval", () => {
  assert.equal(percent(0.125), "12.5 %");
  assert.equal(percent(null), "—");
  assert.equal(percent(0), "0.0 %");
  const gain = { samples: 4, value: -0.0312, low: -0.1, high: 0.04, problems: 9 };
  assert.deepEqual(gainLines(gain), ["−3.1 over the base model", "(−10.0 to +4.0)"]);
  assert.deepEqual(gainLines({ ...gain, value: null }), []);
  assert.deepEqual(gainLines(undefined), []);
});

test("completions are summed up; unscored ones have no grade", () => {
  const answer = { rollout: 0, start: 0, length: 5, prompt: 0, reward: 1, correct: 1, finish: "stop", problem: "p" };
  assert.equal(summary({ rollouts: [answer, { ...answer, rollout: 1, reward: 0, correct: 0, length: 8 }] }), "1 of 2 correct · mean reward 0.5 · 6.5 tokens on average");
  assert.equal(summary({ rollouts: [{ ...answer, reward: null, correct: null }] }), "5 tokens on average");
});

test("a run's page lies beside that of the run it was forked from", () => {
  assert.equal(addressBeside("demo", "demo-from-20"), "?run=demo-from-20");
  assert.equal(addressBeside("study/seed-0", "other"), "?run=study%2Fother");
});

test("of what is typed only the last counts", async () => {
  const rest = new Debounce(5);
  const done = [];
  for (const key of "abc") rest.before(() => done.push(key));
  await new Promise((later) => setTimeout(later, 30));
  assert.deepEqual(done, ["c"]);
  rest.before(() => done.push("d"));
  rest.stop();
  await new Promise((later) => setTimeout(later, 30));
  assert.deepEqual(done, ["c"]);
});

/** A token view that notes what it is asked for. */
function makeView() {
  const did = [];
  const note = (name) => (...given) => { did.push([name, ...given]); };
  const other = { left: { set: note("left") }, changed: note("changed") };
  globalThis.matchMedia = () => ({ matches: true });
  return { did, other, boardShown: {}, step: 7, showGroup: async (number, given) => { did.push(["group", await given]); }, notify: note("notify"),
    visit: note("visit"), openCompare: note("compare"), root: { scrollIntoView: note("scroll") } };
}

const written = (source) => ({ source, group: { group: null, rollouts: [{ rollout: 0 }, { rollout: 1 }] } });

test("completions are shown alone, from the chosen one on", async () => {
  const view = makeView();
  const left = written("after step 2");
  await showCompletions(view, left, null, left.group.rollouts[1]);
  assert.deepEqual(view.did.map(([name]) => name), ["group", "notify", "visit", "scroll"]);
  assert.equal(view.did[2][1], left.group.rollouts[1]);
  assert.match(view.did[1][1], /^Completions after step 2\./);
  assert.equal(view.did[3][1].behavior, "auto"); // who wants little motion gets little
});

test("completions of two checkpoints stand under their names", async () => {
  const view = makeView();
  const [left, right] = [written("before training"), written("after step 2")];
  await showCompletions(view, left, right);
  assert.deepEqual(view.did.find(([name]) => name === "compare").slice(1), [left.group.rollouts[0], right, "before training"]);
});

test("a run without a recorded step has no token view yet, and an error says so", async () => {
  await assert.rejects(showCompletions({ ...makeView(), boardShown: undefined }, written("x"), null), /first recorded step/);
});
