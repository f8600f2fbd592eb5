/** What a model answered, in a column: verdict, text, how it ended, what every reward said; each opens token by token. */

import { factsOf } from "../board/facts.js";
import { rolloutFoot, verdictMark } from "../board/head.js";
import { make } from "../page/dom.js";
import { show } from "../page/signals.js";
import { visible } from "../page/tokens.js";

/** @typedef {import("../wire/payload.js").Group & { texts: string[], question: string, problem: string | null, reference: string | null }} Answered */
/** @typedef {import("../wire/payload.js").Rollout} Rollout */

/** What a model's answers came to, in one line. @param {Answered} group */
export function summary(group) {
  const { rollouts } = group;
  const { mean, told, scored } = factsOf(group);
  const length = rollouts.reduce((sum, rollout) => sum + rollout.length, 0) / rollouts.length;
  const verdicts = scored ? [told, `mean reward ${show(mean)}`] : [];
  return [...verdicts, `${show(length)} tokens on average`].join(" · ");
}

export class Answers {
  /** @param {string} told who answers */
  constructor(told) {
    this.told = told;
    /** @type {Answered | null} */
    this.group = null;
    this.title = make("b", {}, told);
    this.line = make("span", { class: "wb-muted wb-number", role: "status" }, "is asked …");
    this.list = make("ol", { class: "wb-ask-answers" });
    this.element = make("div", { class: "wb-ask-column", "aria-busy": "true" }, make("div", { class: "wb-ask-head" }, make("div", {}, this.title), this.line), this.list);
  }

  /** @param {Answered} group @param {string} told who answered, as it turned out @param {(rollout: Rollout) => void} read */
  show(group, told, read) {
    this.group = group;
    this.told = told;
    this.title.textContent = told;
    this.line.textContent = summary(group);
    this.element.removeAttribute("aria-busy");
    this.list.replaceChildren(...group.rollouts.map((rollout, place) => answerCard(rollout, group.texts[place], read)));
  }

  /** @param {string} text */
  fail(text) {
    this.element.removeAttribute("aria-busy");
    this.line.textContent = "";
    this.list.replaceChildren(make("li", { class: "wb-ask-wrong", role: "alert" }, text));
  }
}

/** @param {Rollout} rollout @param {string} text @param {(rollout: Rollout) => void} read */
function answerCard(rollout, text, read) {
  const scored = rollout.parts?.length;
  const number = rollout.rollout + 1;
  return make("li", { class: "wb-ask-answer" },
    make("div", { class: "wb-outcome" }, scored ? verdictMark(rollout.correct) : null,
      scored ? make("b", { title: "reward" }, rollout.reward === null ? "no reward" : show(rollout.reward)) : null,
      make("span", { class: "wb-muted" }, `${rollout.length} tokens`), make("span", { class: "wb-spring" }),
      make("button", { type: "button", "aria-label": `read answer ${number} token by token`, title: "in the token view below", click: () => read(rollout) }, "token by token")),
    make("div", { class: "wb-ask-text" }, text ? visible(text) : make("span", { class: "wb-muted" }, "an empty answer")), rolloutFoot(rollout));
}
