/** "Evaluate": checkpoints on held-out problems, in a process of its own; what was found out before is shown at once. */

import { Checkpoints, NEWEST, Told, choices, labelled, momentOf, stepOf, wordsOf } from "./parts.js";
import { figure, table } from "./results.js";
import { make } from "../page/dom.js";

/** @typedef {import("./parts.js").Host} Host @typedef {import("./parts.js").Kept} Kept */
/** @typedef {{ verdict: string, text: string, step: number | null, seconds: number }} Going */

const EVERY = 1000; // milliseconds between two looks at an examination
const PROBLEMS = 64; // where the run examines none by itself

/** What an examination comes to. @param {number} models @param {number} problems @param {string} tries */
export function effort(models, problems, tries) {
  const most = Math.max(...(tries.match(/\d+/g) ?? []).map(Number));
  const answers = models * problems * most;
  return Number.isFinite(answers) ? `${answers.toLocaleString("en")} answers: ${models} ${models === 1 ? "model" : "models"}, ${problems} problems, ${most} tries each` : "";
}

/** How an examination is doing, without its clock. @param {Going} going */
export function progress({ verdict, text, step, seconds }) {
  const took = `${Math.round(seconds)} s`;
  /** @type {Record<string, string>} */
  const words = { running: step === null ? "loading the model" : `examining the model ${momentOf(step)}`, done: `done in ${took}`,
    cancelled: `cancelled after ${took}; what was found out before is kept`, failed: `not examined: ${text}` };
  return words[verdict] ?? "";
}

export class AskEvaluate {
  /** @type {Going} */
  going = { verdict: "", text: "", step: null, seconds: 0 };
  folded = true;

  /** @param {Host} host */
  constructor(host) {
    this.host = host;
    this.kept = new Checkpoints(host.source, (kept) => this.offer(kept));
    /** @type {Map<string, HTMLInputElement>} by the moment */
    this.boxes = new Map();
    this.moments = make("fieldset", { class: "wb-ask-moments", change: () => this.reckon() });
    this.problems = make("input", { type: "number", min: 1, required: true, input: () => this.reckon() });
    this.tries = make("input", { type: "text", value: "1, 4, 16", required: true, title: "which k of pass@k, with commas between; as many answers are written as the largest", size: 9, input: () => this.reckon() });
    this.effort = make("span", { class: "wb-muted wb-number" });
    this.button = make("button", { type: "submit", class: "wb-ask-main", disabled: true }, "Examine");
    this.cancel = make("button", { type: "button", hidden: true, click: () => this.ask("examination_cancel") }, "Cancel");
    this.clock = make("span", { class: "wb-muted wb-number", "aria-hidden": "true" });
    this.told = new Told();
    this.results = make("div", { class: "wb-ask-results" });
    this.element = make("div", {}, make("form", { class: "wb-ask-form", submit: (event) => { event.preventDefault(); this.begin(); } },
      this.moments, make("div", { class: "wb-ask-line" }, labelled("held-out problems", this.problems), labelled("k of pass@k", this.tries), this.button, this.effort),
      make("div", { class: "wb-ask-line" }, this.told.element, this.clock, this.cancel)), this.results);
  }

  async open() {
    this.folded = false;
    this.read();
    try {
      await this.kept.look();
      await this.look();
    } catch (error) {
      this.button.disabled = true;
      this.told.fail("Nobody can be examined", error);
    }
  }

  fold() {
    this.folded = true;
    clearTimeout(this.timer);
  }

  /** The checkpoints there are; those that were chosen stay, at first the base and the newest are. @param {Kept} kept */
  offer({ steps, problems }) {
    const before = this.boxes.size ? this.chosen : ["0", NEWEST];
    const moments = choices(steps);
    this.boxes = new Map(moments.map(([value]) => [value, make("input", { type: "checkbox", checked: before.includes(value) })]));
    this.moments.replaceChildren(make("legend", {}, "Examine the model"), ...moments.map(([value, text]) =>
      make("label", { class: "wb-ask-moment" }, /** @type {HTMLInputElement} */ (this.boxes.get(value)), ` ${text}${value === "0" ? " (base)" : ""}`)));
    this.problems.value ||= String(problems || PROBLEMS);
    this.reckon();
  }

  get chosen() { return [...this.boxes].filter(([, box]) => box.checked).map(([value]) => value); }

  reckon() {
    this.effort.textContent = effort(this.chosen.length, Number(this.problems.value), this.tries.value);
    this.button.disabled = this.going.verdict === "running" || !this.chosen.length;
  }

  // ------------------------------------------------------------------ an examination

  begin() {
    const chosen = this.chosen;
    return this.ask("evaluate", { steps: chosen.filter((value) => value !== "0").map(stepOf), base: chosen.includes("0"), problems: Number(this.problems.value), tries: this.tries.value });
  }

  /** @param {string} kind @param {Record<string, any>} [more] */
  async ask(kind, more = {}) {
    try {
      this.follow(await this.host.source.ask({ kind, ...more }));
    } catch (error) {
      this.told.say(wordsOf(error), true);
    }
  }

  /** Looks how it is doing, again and again while it goes on. */
  look() { return this.ask("examination"); }

  /** @param {Going} going */
  follow(going) {
    const before = this.going;
    this.going = going;
    const running = going.verdict === "running";
    this.told.say(progress(going), going.verdict === "failed");
    this.clock.textContent = running ? `${Math.round(going.seconds)} s` : "";
    this.cancel.hidden = !running;
    this.reckon();
    if (before.verdict === "running" && (before.step !== going.step || !running)) this.read();
    clearTimeout(this.timer);
    if (running && !this.folded) this.timer = setTimeout(() => this.look(), EVERY);
  }

  /** What was found out so far. */
  async read() {
    try {
      const { results, unreadable } = await this.host.source.ask({ kind: "evaluations" });
      const lost = unreadable.length ? make("p", { class: "wb-ask-wrong" }, `cannot be read: ${unreadable.join(", ")}`) : "";
      const shown = results.length ? [make("div", { class: "wb-rows" }, table(results)), figure(results) ?? ""] : [make("p", { class: "wb-muted" }, "This run was not examined yet.")];
      this.results.replaceChildren(...shown, lost);
    } catch (error) {
      this.results.replaceChildren(make("p", { class: "wb-ask-wrong", role: "alert" }, `What was found out cannot be read: ${wordsOf(error)}`));
    }
  }

  close() { this.fold(); }
}
