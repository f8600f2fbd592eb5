import assert from "node:assert/strict";
import { test } from "node:test";

import { summary } from "../../widgets/checkpoint/written.js";
import { effort, progress } from "../../widgets/checkpoint/evaluate.js";
import { addressBeside } from "../../widgets/checkpoint/fork.js";
import { Checkpoints, Rest, choices, momentOf, stepOf, wordsOf } from "../../widgets/checkpoint/parts.js";
import { readAnswers } from "../../widgets/checkpoint/read.js";
import { gainLines, percent } from "../../widgets/checkpoint/results.js";

test("moments are told in words", () => {
  assert.equal(momentOf(0), "before training");
  assert.equal(momentOf(20), "after step 20");
  assert.equal(wordsOf(new Error("gone")), "gone");
  assert.equal(wordsOf("gone"), "gone");
});

test("the newest is whatever it is when it is asked; before the first checkpoint there is none", () => {
  assert.deepEqual(choices([0, 4, 8]), [["0", "before training"], ["4", "after step 4"], ["newest", "newest (after step 8)"]]);
  assert.deepEqual(choices([0]), [["0", "before training"]]);
  assert.deepEqual(["0", "4", "newest"].map(stepOf), [0, 4, null]);
});

test("checkpoints are offered again only where there are others", async () => {
  const answers = [[0, 2], [0, 2], [0, 4]];
  const offered = [];
  const kept = new Checkpoints({ ask: async () => ({ steps: answers.shift() }) }, ({ steps }) => offered.push(steps));
  for (let look = 0; look < 3; look += 1) await kept.look();
  assert.deepEqual(offered, [[0, 2], [0, 4]]);
});

test("what an examination comes to is reckoned from its largest k", () => {
  assert.equal(effort(2, 64, "1, 4, 16"), "2,048 answers: 2 models, 64 problems, 16 tries each");
  assert.equal(effort(1, 5, "3"), "15 answers: 1 model, 5 problems, 3 tries each");
  assert.equal(effort(1, 5, "many"), "");
});

test("how an examination is doing is told in words", () => {
  const going = { verdict: "running", text: "", step: null, seconds: 3.4 };
  assert.equal(progress(going), "loading the model");
  assert.equal(progress({ ...going, step: 20 }), "examining the model after step 20");
  assert.equal(progress({ ...going, verdict: "done" }), "done in 3 s");
  assert.equal(progress({ ...going, verdict: "cancelled" }), "cancelled after 3 s; what was found out before is kept");
  assert.equal(progress({ ...going, verdict: "failed", text: "no room" }), "not examined: no room");
  assert.equal(progress({ ...going, verdict: "" }), "");
});

test("a share that is missing is no zero; a gain has its sign and its interval", () => {
  assert.equal(percent(0.125), "12.5 %");
  assert.equal(percent(null), "—");
  assert.equal(percent(0), "0.0 %");
  const gain = { tries: 4, value: -0.0312, low: -0.1, high: 0.04, problems: 9 };
  assert.deepEqual(gainLines(gain), ["−3.1 over base", "(−10.0 to +4.0)"]);
  assert.deepEqual(gainLines({ ...gain, value: null }), []);
  assert.deepEqual(gainLines(undefined), []);
});

test("answers are summed up; a text that nobody scores has no verdict", () => {
  const answer = { rollout: 0, start: 0, length: 5, prompt: 0, reward: 1, correct: 1, finish: "stop", problem: "p" };
  assert.equal(summary({ rollouts: [answer, { ...answer, rollout: 1, reward: 0, correct: 0, length: 8 }] }), "1 of 2 right · mean reward 0.5 · 6.5 tokens on average");
  assert.equal(summary({ rollouts: [{ ...answer, reward: null, correct: null }] }), "5 tokens on average");
});

test("a run's page lies beside that of the run it was forked from", () => {
  assert.equal(addressBeside("demo", "demo-from-20"), "?run=demo-from-20");
  assert.equal(addressBeside("study/seed-0", "other"), "?run=study%2Fother");
});

test("of what is typed only the last counts", async () => {
  const rest = new Rest(5);
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
  return { did, other, boardShown: {}, step: 7, showGroup: async (number, given) => { did.push(["group", await given]); }, tell: note("tell"),
    visit: note("visit"), openCompare: note("compare"), root: { scrollIntoView: note("scroll") } };
}

const written = (told) => ({ told, group: { group: null, rollouts: [{ rollout: 0 }, { rollout: 1 }] } });

test("answers are read alone, from the one that was chosen", async () => {
  const view = makeView();
  const left = written("after step 2");
  await readAnswers(view, left, null, left.group.rollouts[1]);
  assert.deepEqual(view.did.map(([name]) => name), ["group", "tell", "visit", "scroll"]);
  assert.equal(view.did[2][1], left.group.rollouts[1]);
  assert.match(view.did[1][1], /^Answers after step 2;/);
  assert.equal(view.did[3][1].behavior, "auto"); // who wants little motion gets little
});

test("answers of two models stand under the names of who wrote them", async () => {
  const view = makeView();
  const [left, right] = [written("before training"), written("after step 2")];
  await readAnswers(view, left, right);
  assert.deepEqual(view.did.find(([name]) => name === "compare").slice(1), [left.group.rollouts[0], right, "before training"]);
});

test("a run without a recorded step has no token view yet, which is said", async () => {
  await assert.rejects(readAnswers({ ...makeView(), boardShown: undefined }, written("x"), null), /first recorded step/);
});
