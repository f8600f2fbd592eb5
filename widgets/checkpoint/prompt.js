/** "Try the model": a question to the model as it is and as it was, the answers side by side. */

import { Answers } from "./written.js";
import { Checkpoints, NEWEST, Rest, Told, choices, labelled, momentOf, stepOf, wordsOf } from "./parts.js";
import { make } from "../page/dom.js";

/** @typedef {import("./parts.js").Host} Host @typedef {import("./parts.js").Kept} Kept */
/** @typedef {import("./written.js").Answered} Answered */

const ABOUT = { held: "a held-out problem", shown: "the problem shown below", own: "a text of mine" };
const PAUSE = 250; // milliseconds of rest before a problem is looked up

export class AskTry {
  /** @type {{ step: number, rollout: number, question: string } | null} the problem of the run that was shown last */
  place = null;
  draws = 0;
  asking = false;

  /** @param {Host} host */
  constructor(host) {
    this.host = host;
    this.rest = new Rest(PAUSE);
    this.kept = new Checkpoints(host.source, (kept) => this.offer(kept));
    this.first = make("select", { "aria-label": "which model is asked" });
    this.second = make("select", { "aria-label": "which model is asked as well" });
    this.about = make("select", { "aria-label": "what is asked", change: () => this.turn() }, Object.entries(ABOUT).map(([value, text]) => make("option", { value }, text)));
    this.number = make("input", { type: "number", min: 0, value: 0, "aria-label": "number of the held-out problem", input: () => this.rest.before(() => this.preview()) });
    this.text = make("textarea", { rows: 3, "aria-label": "what the model is asked", placeholder: "Write a question.", hidden: true });
    this.question = make("blockquote", { class: "wb-ask-question", hidden: true });
    this.count = make("input", { type: "number", min: 1, max: 64, value: 4, required: true });
    this.temperature = make("input", { type: "number", min: 0, step: "any" });
    this.button = make("button", { type: "submit", class: "wb-ask-main", disabled: true, title: "each time new draws; both models draw with the same dice" }, "Ask");
    this.told = new Told();
    this.both = make("button", { type: "button", hidden: true, click: () => this.readBoth() }, "Read side by side, token by token");
    this.columns = make("div", { class: "wb-ask-columns" });
    /** @type {Answers[]} */
    this.answers = [];
    this.element = make("div", {}, make("form", { class: "wb-ask-form", submit: (event) => { event.preventDefault(); this.ask(); } },
      make("div", { class: "wb-ask-line" }, labelled("Ask the model", this.first), labelled("and beside it", this.second)),
      make("div", { class: "wb-ask-line" }, labelled("about", this.about), this.number), this.question, this.text,
      make("div", { class: "wb-ask-line" }, labelled("answers", this.count), labelled("temperature", this.temperature), this.button, this.both)),
    this.told.element, this.columns);
  }

  async open() {
    try {
      await this.kept.look();
      this.told.say("");
      this.preview();
    } catch (error) {
      this.told.fail("Nobody can be asked", error);
    }
    this.button.disabled = !this.first.options.length || this.asking;
  }

  /** The checkpoints there are; what was chosen stays. @param {Kept} kept */
  offer({ steps, temperature }) {
    const moments = choices(steps);
    fill(this.first, moments, this.first.value || "0");
    fill(this.second, [["", "no other"], ...moments], this.second.options.length ? this.second.value : moments.length > 1 ? NEWEST : "");
    this.temperature.placeholder = String(temperature ?? 1);
    this.temperature.title = "of the run, if left out; 0: always the likeliest token";
  }

  // ------------------------------------------------------------------ the question

  /** Another kind of question. */
  turn() {
    const about = this.about.value;
    this.number.hidden = about !== "held";
    this.text.hidden = about !== "own";
    this.preview();
    if (about === "own") this.text.focus();
  }

  /** The problem that will be asked, to be read before. */
  async preview() {
    const asked = this.about.value === "own" ? null : this.asked();
    this.question.hidden = !asked;
    if (!asked) return;
    if (this.about.value === "shown") return this.quote(this.place?.question ?? "", null);
    try {
      const problem = await this.host.source.ask({ kind: "problem", asked });
      if (this.about.value === "held" && this.asked()?.number === asked.number) this.quote(problem.question, problem.reference);
    } catch (error) {
      this.quote(wordsOf(error), null);
    }
  }

  /** @param {string} text @param {string | null} reference */
  quote(text, reference) {
    this.question.replaceChildren(text.trim(), reference === null ? "" : make("div", {}, "reference answer: ", make("b", {}, reference)));
  }

  /** What is asked, as the kernel wants it; null where there is nothing to ask. @returns {Record<string, any> | null} */
  asked() {
    if (this.about.value === "own") return { text: this.text.value };
    if (this.about.value === "held") return { number: Math.trunc(Number(this.number.value)) };
    this.place = this.shown() ?? this.place;
    return this.place && { step: this.place.step, rollout: this.place.rollout };
  }

  /** The problem of the run that is read below; answers to it may stand in its place meanwhile. */
  shown() {
    const { group, boardShown } = this.host.tokens;
    if (group?.kind !== "group") return null;
    const question = boardShown.groups.find((entry) => entry.group === group.group)?.question ?? group.rollouts[0].problem;
    return { step: group.step, rollout: group.rollouts[0].rollout, question };
  }

  // ------------------------------------------------------------------ the answers

  async ask() {
    const asked = this.asked();
    if (!asked) return this.told.say("No problem of the run is shown below yet: choose a held-out problem, or write a text.", true);
    const moments = [...new Set([this.first.value, this.second.value].filter(Boolean))];
    const request = { kind: "try", asked, n: Number(this.count.value), seed: this.draws, temperature: this.temperature.value === "" ? null : Number(this.temperature.value) };
    this.draws += 1;
    this.told.say("");
    this.both.hidden = true;
    this.asking = true;
    this.button.disabled = true;
    this.answers = moments.map((moment) => new Answers(moment === NEWEST ? moment : momentOf(Number(moment))));
    this.columns.replaceChildren(...this.answers.map(({ element }) => element));
    const own = this.answers;
    await Promise.all(moments.map((moment, place) => this.fetch({ ...request, step: stepOf(moment) }, own[place])));
    this.both.hidden = !(own.length === 2 && own.every(({ group }) => group));
    this.asking = false;
    this.button.disabled = false;
  }

  /** @param {any} request @param {Answers} answers */
  async fetch(request, answers) {
    try {
      /** @type {Answered} */
      const group = await this.host.source.ask(request);
      answers.show(group, momentOf(group.step), (rollout) => this.read({ group, told: momentOf(group.step) }, null, rollout));
    } catch (error) {
      answers.fail(`No answer: ${wordsOf(error)}`);
    }
  }

  readBoth() {
    const [left, right] = this.answers.map(({ group, told }) => ({ group: /** @type {Answered} */ (group), told }));
    return this.read(left, right);
  }

  /** @param {import("./parts.js").Written} left @param {import("./parts.js").Written | null} right @param {import("../wire/payload.js").Rollout} [rollout] */
  async read(left, right, rollout) {
    try {
      await this.host.read(left, right, rollout);
    } catch (error) {
      this.told.fail("The answers cannot be opened", error);
    }
  }

  close() { this.rest.stop(); }
}

/** @param {HTMLSelectElement} select @param {[string, string][]} options @param {string} chosen */
function fill(select, options, chosen) {
  select.replaceChildren(...options.map(([value, text]) => make("option", { value, selected: value === chosen }, text)));
}
