/** The completions of one checkpoint in a column: grade, text, ending, reward components; each opens in the token view. */

import { factsOf } from "../board/facts.js";
import { rolloutFoot, gradeMark } from "../board/head.js";
import { make } from "../page/dom.js";
import { show } from "../page/signals.js";
import { visible } from "../page/tokens.js";

/** @typedef {import("../wire/payload.js").Group & { texts: string[], question: string, problem: string | null, reference: string | null }} Completed */
/** @typedef {import("../wire/payload.js").Rollout} Rollout */

/** Outcome and mean length of the completions in one line. @param {Completed} group */
export function summary(group) {
  const { rollouts } = group;
  const { mean, text, scored } = factsOf(group);
  const length = rollouts.reduce((sum, rollout) => sum + rollout.length, 0) / rollouts.length;
  const outcome = scored ? [text, `mean reward ${show(mean)}`] : [];
  return [...outcome, `${show(length)} tokens on average`].join(" · ");
}

export class CompletionColumn {
  /** @param {string} source the checkpoint, in words */
  constructor(source) {
    this.source = source;
    /** @type {Completed | null} */
    this.group = null;
    this.title = make("b", {}, source);
    this.line = make("span", { class: "wb-muted wb-number", role: "status" }, "generating …");
    this.list = make("ol", { class: "wb-ask-answers" });
    this.element = make("div", { class: "wb-ask-column", "aria-busy": "true" }, make("div", { class: "wb-ask-head" }, make("div", {}, this.title), this.line), this.list);
  }

  /** @param {Completed} group @param {string} source the checkpoint that was used @param {(rollout: Rollout) => void} read */
  show(group, source, read) {
    this.group = group;
    this.source = source;
    this.title.textContent = source;
    this.line.textContent = summary(group);
    this.element.removeAttribute("aria-busy");
    this.list.replaceChildren(...group.rollouts.map((rollout, place) => completionCard(rollout, group.texts[place], read)));
  }

  /** @param {string} text */
  fail(text) {
    this.element.removeAttribute("aria-busy");
    this.line.textContent = "";
    this.list.replaceChildren(make("li", { class: "wb-ask-error", role: "alert" }, text));
  }
}

/** @param {Rollout} rollout @param {string} text @param {(rollout: Rollout) => void} read */
function completionCard(rollout, text, read) {
  const scored = rollout.parts?.length;
  const number = rollout.rollout + 1;
  return make("li", { class: "wb-ask-answer" },
    make("div", { class: "wb-outcome" }, scored ? gradeMark(rollout.correct) : null,
      scored ? make("b", { title: "reward" }, rollout.reward === null ? "no reward" : show(rollout.reward)) : null,
      make("span", { class: "wb-muted" }, `${rollout.length} tokens`), make("span", { class: "wb-spring" }),
      make("button", { type: "button", "aria-label": `open completion ${number} token by token`, title: "in the token view below", click: () => read(rollout) }, "token by token")),
    make("div", { class: "wb-ask-text" }, text ? visible(text) : make("span", { class: "wb-muted" }, "empty completion")), rolloutFoot(rollout));
}
