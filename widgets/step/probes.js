/** The effect of a step on tracked problems, which it was not trained on: scored again after it, and sampled before and after. */

import { make } from "../page/dom.js";
import { show } from "../page/signals.js";
import { factParts } from "./facts.js";
import { factsOf, tokensOf } from "./math.js";
import { visible } from "../page/tokens.js";

/**
 * `scored`: the step after which the rollouts from `before` were scored again; if it is this one, `rollouts` and `columns` are
 * theirs as in a group, `method` is the one of their lens, and `error` says why they have none.
 * @typedef {{ correct: number, scored: number, length: number }} Outcome
 * @typedef {{ before: number | null, after: number | null, scored: number | null, shared: number, sampled: number, drift: number | null, moved: number | null,
 *   problems: { problem: string, question: string, before: Outcome, after: Outcome }[], rollouts?: any[], columns: any, left_out?: number,
 *   method?: string, error?: string }} Found
 */

const RECORD = "The effect of this step alone was not recorded: with record.after above 0 in the config, tracked problems are scored again after the step that follows an evaluation.";

/** @param {Found} found @param {number} step */
export function probesPart(found, step) {
  const title = make("b", {}, "Tracked problems (not trained on) ");
  if (found.before === null && found.after === null) return make("p", {}, title, muted("No tracked problems were recorded. Set evaluation.probes to their number, and evaluation.every to how often they are sampled."));
  return make("details", { open: true }, make("summary", {}, title), ...scoredPart(found, step), ...resampledPart(found, step));
}

/** Rollouts from before the step, under the policy after it. @param {Found} found @param {number} step */
function scoredPart(found, step) {
  const { scored, before, rollouts, method, error, left_out: omitted } = found;
  if (scored === null) return before === null ? [] : [make("p", {}, muted(RECORD))];
  if (scored !== step) return [make("p", {}, muted(`The rollouts of step ${before} were scored again after step ${scored} only. Open that step, or set evaluation.every = 1 to record the effect of every step.`))];
  const group = /** @type {any} */ (found);
  const tokens = tokensOf(group);
  const text = `Held out: ${tokens.places.length.toLocaleString("en")} tokens in ${rollouts?.length} rollouts, sampled right before this step, were scored again right after it.${omitted ? ` ${omitted} more rollouts are not shown.` : ""}`;
  if (error) return [make("p", {}, muted(`${text} Their gradient weights cannot be computed: ${error}. Mean |Δ log-prob|: ${show(factsOf(tokens).idle.mean)} nats.`))];
  return [make("p", {}, muted(`${text} Gradient weight: of ${method}, as if the step had been trained on these rollouts alone. Agreement means that the update generalises to problems it was not trained on.`)),
    make("div", { class: "wb-step-facts", role: "list", "aria-label": "numbers of the tracked problems" }, ...factParts(factsOf(tokens), "would be "))];
}

/** Outcomes at the evaluations before and after the step. @param {Found} found @param {number} step */
function resampledPart(found, step) {
  const { before, after, problems } = found;
  if (before === null || after === null) return [make("p", {}, muted(`There was no evaluation ${before === null ? "before" : "after"} this step${after === null ? " yet" : ""}, so there are no completions to compare.`))];
  const between = after - before;
  const text = `Resampled at every evaluation: step ${before} against step ${after}`
    + (between > 1 ? `, ${between} steps together (evaluation.every = 1 shows step ${step} alone). ` : ". ");
  const rows = problems.map(({ question, problem, before: old, after: now }) => make("tr", {},
    make("th", { scope: "row" }, make("bdi", {}, visible(question || problem))), make("td", {}, correctOf(old)), make("td", {}, correctOf(now)), make("td", {}, `${show(old.length)} → ${show(now.length)}`)));
  return [make("p", {}, muted(text + sharedText(found))),
    make("table", {}, make("thead", {}, make("tr", {}, ["tracked problem", `correct, step ${before}`, `correct, step ${after}`, "mean tokens"].map((name) => make("th", { scope: "col" }, name)))),
      make("tbody", {}, rows))];
}

/** @param {string} text */
const muted = (text) => make("span", { class: "wb-muted" }, text);

/** @param {Outcome} outcome */
function correctOf({ correct, scored }) {
  return scored ? `${correct} of ${scored}` : "unscored";
}

/** @param {Found} found */
function sharedText({ shared, sampled, drift, moved }) {
  if (moved === null || drift === null) return "Their log-probs were not recorded (record.tokens = \"all\" keeps them).";
  return `The random numbers are the same each time, so the rollouts share a prefix. On the ${shared.toLocaleString("en")} of ${sampled.toLocaleString("en")} shared tokens, mean |Δ log-prob| is ${show(moved)} nats and mean Δ log-prob ${drift > 0 ? "+" : ""}${show(drift)}.`;
}
