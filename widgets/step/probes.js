/** What a step did to problems that it did not learn from: the probes, scored again after it or written anew around it. */

import { make } from "../page/dom.js";
import { show } from "../page/signals.js";
import { factParts } from "./facts.js";
import { factsOf, tokensOf } from "./math.js";
import { visible } from "../page/tokens.js";

/**
 * `scored`: the step after which the probes from `before` were scored again; if it is this one, `rollouts` and `columns` are
 * theirs as in a group, `method` is whose lens they have, and `problem` why they have none.
 * @typedef {{ right: number, scored: number, length: number }} Outcome
 * @typedef {{ before: number | null, after: number | null, scored: number | null, shared: number, written: number, drift: number | null, moved: number | null,
 *   problems: { problem: string, question: string, before: Outcome, after: Outcome }[], rollouts?: any[], columns: any, left_out?: number,
 *   method?: string, problem?: string }} Found
 */

const RECORD = "What this step alone did to their tokens was not recorded: with record.after above 0 in the config, the probes are scored again after the step that follows an evaluation.";

/** @param {Found} found @param {number} step */
export function probesPart(found, step) {
  const title = make("b", {}, "Problems that it did not learn from ");
  if (found.before === null && found.after === null) return make("p", {}, title, muted("No probe problems were recorded. Set evaluation.probes to some, and evaluation.every to how often they are asked."));
  return make("details", { open: true }, make("summary", {}, title), ...scoredPart(found, step), ...anewPart(found, step));
}

/** Their tokens from before the step, under the policy after it. @param {Found} found @param {number} step */
function scoredPart(found, step) {
  const { scored, before, rollouts, method, problem, left_out: lost } = found;
  if (scored === null) return before === null ? [] : [make("p", {}, muted(RECORD))];
  if (scored !== step) return [make("p", {}, muted(`The probes of step ${before} were scored again after step ${scored} alone: go there to see what one step does to them, or set evaluation.every = 1 to know it of every step.`))];
  const group = /** @type {any} */ (found);
  const tokens = tokensOf(group);
  const told = `Held out, not trained: ${tokens.places.length.toLocaleString("en")} tokens in ${rollouts?.length} rollouts of the probes, written right before this step, were scored again right after it.${lost ? ` ${lost} more rollouts are left out.` : ""}`;
  if (problem) return [make("p", {}, muted(`${told} What the run's method would have asked of them cannot be told: ${problem}. They moved by ${show(factsOf(tokens).idle.mean)} nats in size on average.`))];
  return [make("p", {}, muted(`${told} Asked: what ${method} would have asked of them, had the step learnt from them and nothing else. If they go there all the same, what the step taught holds for other problems too.`)),
    make("div", { class: "wb-step-facts", role: "list", "aria-label": "numbers of problems that it did not learn from" }, ...factParts(factsOf(tokens), "would be "))];
}

/** What both policies made of them, evaluation against evaluation. @param {Found} found @param {number} step */
function anewPart(found, step) {
  const { before, after, problems } = found;
  if (before === null || after === null) return [make("p", {}, muted(`There was no evaluation ${before === null ? "before" : "after"} this step${after === null ? " yet" : ""}, so there are no answers to compare.`))];
  const between = after - before;
  const told = `Written anew at every evaluation: here step ${before} against step ${after}`
    + (between > 1 ? `, so ${between} steps together (evaluation.every = 1 would show step ${step} alone). ` : ". ");
  const rows = problems.map(({ question, problem, before: old, after: now }) => make("tr", {},
    make("th", { scope: "row" }, make("bdi", {}, visible(question || problem))), make("td", {}, rightOf(old)), make("td", {}, rightOf(now)), make("td", {}, `${show(old.length)} → ${show(now.length)}`)));
  return [make("p", {}, muted(told + sharedTold(found))),
    make("table", {}, make("thead", {}, make("tr", {}, ["probe problem", `right, step ${before}`, `right, step ${after}`, "mean tokens"].map((name) => make("th", { scope: "col" }, name)))),
      make("tbody", {}, rows))];
}

/** @param {string} text */
const muted = (text) => make("span", { class: "wb-muted" }, text);

/** @param {Outcome} outcome */
function rightOf({ right, scored }) {
  return scored ? `${right} of ${scored}` : "unscored";
}

/** @param {Found} found */
function sharedTold({ shared, written, drift, moved }) {
  if (moved === null || drift === null) return "Their tokens have no log-probs here (record.tokens = \"all\" keeps them).";
  return `Their noise is the same each time, so they begin alike: the log-prob of these ${shared.toLocaleString("en")} of ${written.toLocaleString("en")} tokens moved by ${show(moved)} nats in size, by ${drift > 0 ? "+" : ""}${show(drift)} on average.`;
}
