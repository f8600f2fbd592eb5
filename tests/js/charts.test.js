import assert from "node:assert/strict";
import { test } from "node:test";

import { CHARTS, axis, niceAbove } from "../../widgets/charts/charts.js";
import { derived, joined, medianBand, nearestPlace, overSeeds, stacked, thin, zeroVarianceExpected } from "../../widgets/charts/curves.js";
import { duration, progressText, stateText } from "../../widgets/dashboard/head.js";
import { eventText } from "../../widgets/charts/chart.js";
import { eventsOf, legendText, marked, runGroups, chartData, seriesOf } from "../../widgets/charts/chart_data.js";
import { ago } from "../../widgets/runs/row.js";

const spec = (title) => CHARTS.find((each) => each.title === title);
const run = (name, columns, more = {}) => ({ name, key: name, columns, ...more });

test("what comes live follows on; a step that is done again replaces what stood there", () => {
  const known = { columns: { step: new Int32Array([1, 2, 3]), reward: new Float32Array([0.1, 0.2, 0.3]) }, events: [{ step: 1, kind: "set", text: "" }] };
  const tail = { columns: { step: new Int32Array([3, 4]), kl: new Float32Array([7, 8]) }, events: [{ step: 3, kind: "pause", text: "" }] };
  const both = joined(known, tail);
  assert.deepEqual([...both.columns.step], [1, 2, 3, 4]);
  assert.deepEqual([...both.columns.reward].map((value) => Number(value.toFixed(1))), [0.1, 0.2, NaN, NaN]);
  assert.deepEqual([...both.columns.kl], [NaN, NaN, 7, 8]);
  assert.equal(both.events.length, 2);
  assert.equal(both.columns.step instanceof Int32Array, true);
});

test("what a reader of a run wants first comes first; the others wait until they are asked for", () => {
  const first = CHARTS.filter(({ late }) => !late).map(({ title }) => title);
  assert.deepEqual(first, ["Held-out accuracy", "Correct", "Reward", "Groups trained on", "Loss", "Gradient norm", "Entropy", "Length"]);
  const columns = { step: [1], groups: [3], groups_sampled: [17] };
  assert.deepEqual(seriesOf(spec("Groups trained on"), columns).map(([, label]) => label), ["trained on", "sampled"]);
  assert.deepEqual(seriesOf(spec("Groups trained on"), { step: [1], groups: [3] }).map(([, label]) => label), ["trained on"]);
});

test("thinning keeps every peak, both ends and a bounded number of points", () => {
  const steps = Array.from({ length: 50_000 }, (_, step) => step);
  const values = steps.map((step) => Math.sin(step / 900));
  values[31_111] = 40;
  values[7] = NaN;
  const points = thin(steps, values, 120);
  assert.ok(points.length <= 4 * 121, String(points.length));
  assert.ok(points.some(([step, value]) => step === 31_111 && value === 40));
  assert.deepEqual(points[0], [0, values[0]]);
  assert.deepEqual(points.at(-1), [49_999, values[49_999]]);
  assert.ok(points.every(([step], place) => place === 0 || step > points[place - 1][0]));
  assert.deepEqual(thin([1, 2, 3], [5, NaN, 7], 120), [[1, 5], [3, 7]]);
});

test("no band below three seeds; above, the exact interval of the bootstrap's medians", () => {
  assert.equal(medianBand([1, 2]), null);
  assert.deepEqual(medianBand([1, 2, 3]), [1, 3]);
  // by hand, n = 7: P(median of a resample is the least value) = P(Bin(7, 1/7) >= 4) = 0.0098 < 0.025
  assert.deepEqual(medianBand([1, 2, 3, 4, 5, 6, 7]), [2, 6]);
});

test("the band holds what drawing resamples gives", () => {
  const values = [0.2, 0.31, 0.33, 0.4, 0.47, 0.5, 0.52, 0.6, 0.71];
  let state = 7;
  const draw = () => { state = (state * 1_103_515_245 + 12_345) % 2 ** 31; return values[Math.floor((state / 2 ** 31) * values.length)]; };
  const medians = Array.from({ length: 4_000 }, () => values.map(draw).sort((one, other) => one - other)[4]).sort((one, other) => one - other);
  assert.deepEqual(medianBand(values), [medians[100], medians[3_899]]);
});

test("seeds meet step by step, and a seed that stopped early is left out where it has nothing", () => {
  const seeds = [[1, 2, 3], [2, 4], [6, 9, 3]].map((reward) => ({ columns: { step: reward.map((_, step) => step), reward } }));
  const rows = overSeeds(seeds, "reward");
  assert.deepEqual(rows.map(({ step, median }) => [step, median]), [[0, 2], [1, 4], [2, 3]]);
  assert.deepEqual(rows.map(({ band }) => band), [[1, 6], [2, 9], null]);
});

test("a run alone shows all its parts; several show one line each, seeds of an experiment a median more", () => {
  const columns = { step: [1, 2], reward: [0.5, 0.6], "reward.exact": [0.4, 0.5], "reward.form": [0.6, 0.7] };
  assert.deepEqual(chartData(spec("Reward"), [run("one", columns)]).lines.map(({ label }) => label), ["mean", "exact", "form"]);
  const seeds = [0, 1, 2].map((seed) => run(`seed-${seed}`, columns, { experiment: "study" }));
  const found = chartData(spec("Reward"), [run("one", columns), ...seeds]);
  assert.deepEqual(found.lines.map(({ label, faint }) => `${label} ${Boolean(faint)}`), ["one false", "study true", "study true", "study true", "study false"]);
  assert.equal(found.bands[0].points.length, 2);
  assert.equal(chartData(spec("Reward"), seeds.slice(0, 2)).bands[0].points.length, 0);
});

test("the legend says how many seeds there are, and why there is no band", () => {
  const of = (count) => runGroups(Array.from({ length: count }, (_, seed) => run(`s${seed}`, {}, { experiment: "study" })));
  assert.match(legendText(of(2)[0]), /2 seeds, median; no band below three/);
  assert.match(legendText(of(3)[0]), /3 seeds, median and 95 % band/);
  assert.equal(legendText(of(1)[0]), "s0");
});

test("a value is read at a step, or the last known before it; before the first there is none", () => {
  const [line] = chartData(spec("Held-out accuracy"), [run("one", { step: [0, 1, 2, 3], accuracy: [0.4, NaN, 0.5, NaN] })]).lines;
  assert.deepEqual([0, 1, 2, 9].map((step) => line.at(step)), [0.4, 0.4, 0.5, 0.5]);
  const [late] = chartData(spec("Entropy"), [run("one", { step: [5, 6], entropy: [1, 2] })]).lines;
  assert.ok(Number.isNaN(late.at(4)));
});

test("phases are stacked, and a missing one adds nothing", () => {
  assert.deepEqual(stacked([[1, NaN], [2, 5]]).map((row) => [...row]), [[1, 0], [3, 5]]);
  const found = chartData(spec("Seconds by phase"), [run("one", { step: [1, 2], "seconds.generate": [1, 2], "seconds.update": [3, 4] })]);
  assert.ok(found.areas);
  assert.deepEqual(found.bands[1].points, [[1, 1, 4], [2, 2, 6]]);
});

test("what pruning spares is estimated where a run prunes, and nowhere else", () => {
  const columns = { step: [1, 2], tokens: [800, 1000], rollouts: [10, 10], length: [100, 100] };
  assert.equal("saved" in derived(columns), false);
  const saved = derived({ ...columns, pruned: [4, NaN] }).saved;
  assert.deepEqual([...saved].map((value) => Number(value.toFixed(2))), [0.2, 0]);
  assert.ok(Math.abs(zeroVarianceExpected(0.5, 2) - 0.5) < 1e-12);
});

test("axes: round ends, shares to 100 %, decades where logarithmic, no log of what is not positive", () => {
  assert.equal(niceAbove(0.87), 1);
  const drawn = (title, values) => chartData(spec(title), [run("one", { step: values.map((_, step) => step), [Object.keys(spec(title).series)[0]]: values })]);
  const limits = (title, values, log) => { const { low, high } = axis(spec(title), drawn(title, values), [0, 9], log); return [low, high]; };
  assert.deepEqual(limits("Held-out accuracy", [0.2, 0.4], false), [0, 1]);
  assert.deepEqual(limits("Entropy", [0.2, 0.37], false), [0, 0.4]);
  assert.deepEqual(limits("Entropy", [0.02, 3], true).map((value) => Number(value.toPrecision(3))), [0.01, 10]);
  assert.deepEqual(limits("Held-out accuracy", [0.2, 0.4], true), [0, 1]);
  assert.deepEqual(limits("Entropy", [0, 0], true), [0, 1]);
  assert.deepEqual(limits("Reward", [-1, 1], false), [-1, 1]);
});

test("every chart names columns that exist once, and phases have colours of their own", () => {
  const names = CHARTS.flatMap(({ series }) => Object.keys(series));
  assert.equal(new Set(names).size, names.length);
  assert.deepEqual(seriesOf(spec("Entropy"), { step: [1], entropy: [NaN] }), []);
});

test("the nearest step, and words for times and verdicts", () => {
  assert.deepEqual([0, 2.4, 2.6, 99].map((value) => nearestPlace([1, 2, 3], value)), [0, 1, 2, 2]);
  assert.deepEqual([0.2, 89, 600, 9000].map(duration), ["1 s", "89 s", "10 min", "2.5 h"]);
  assert.deepEqual([5, 300, 7_200, 400_000].map(ago), ["5 s ago", "5 min ago", "2 h ago", "5 days ago"]);
  assert.equal(stateText({ verdict: "stalled", phase: "generate" }), "stalled in generate");
  const state = { verdict: "running", phase: "update", step: 3, total: 9, typical: 2, left: 12, ended: false };
  assert.equal(progressText(state), "step 3 of 9 · update · 2.0 s per step · about 12 s left");
  assert.equal(progressText({ ...state, verdict: "finished", ended: true, left: null }), "step 3 of 9");
});

test("events of several runs are in the order of time and have the name and the colour of their run", () => {
  const event = (kind, time, step = 3) => ({ kind, time, step, text: "x" });
  const one = { ...run("one", {}), colour: 0, events: [event("set", 5), event("pause", 9)] };
  const other = { ...run("other", {}), colour: 4, events: [event("started", 1, null), event("resumed", 7)] };
  assert.deepEqual(eventsOf([one]), one.events);
  const all = eventsOf([one, other, run("none", {})]);
  assert.deepEqual(all.map(({ run: name, colour, kind }) => [name, colour, kind]),
    [["other", 4, "started"], ["one", 0, "set"], ["other", 4, "resumed"], ["one", 0, "pause"]]);
  assert.deepEqual(marked(all).map(({ kind }) => kind), ["set", "resumed", "pause"]);
  assert.equal(eventText(all[1]), "one · step 3 · set: x");
  assert.equal(eventText(one.events[0]), "step 3 · set: x");
});
