/** "Prompt the model": one prompt to one or two checkpoints, the completions side by side. */

import { CompletionColumn } from "./written.js";
import { Checkpoints, NEWEST, Debounce, StatusLine, checkpointText, choices, labelled, messageOf, stepOf } from "./parts.js";
import { make } from "../page/dom.js";

/** @typedef {import("./parts.js").Host} Host @typedef {import("./parts.js").Kept} Kept */
/** @typedef {import("./written.js").Completed} Completed */

const ABOUT = { held: "a held-out problem", shown: "the problem shown below", own: "my own text" };
const PAUSE = 250; // milliseconds after the last key before a problem is loaded

export class PromptPanel {
  /** @type {{ step: number, rollout: number, question: string } | null} the problem of the run that was shown last */
  place = null;
  seed = 0;
  waiting = false;

  /** @param {Host} host */
  constructor(host) {
    this.host = host;
    this.rest = new Debounce(PAUSE);
    this.kept = new Checkpoints(host.source, (kept) => this.offer(kept));
    this.first = make("select", { "aria-label": "checkpoint to prompt" });
    this.second = make("select", { "aria-label": "checkpoint to compare with" });
    this.about = make("select", { "aria-label": "what to prompt with", change: () => this.switchKind() }, Object.entries(ABOUT).map(([value, text]) => make("option", { value }, text)));
    this.number = make("input", { type: "number", min: 0, value: 0, "aria-label": "number of the held-out problem", input: () => this.rest.before(() => this.preview()) });
    this.text = make("textarea", { rows: 3, "aria-label": "prompt", placeholder: "Write a prompt.", hidden: true });
    this.question = make("blockquote", { class: "wb-ask-question", hidden: true });
    this.count = make("input", { type: "number", min: 1, max: 64, value: 4, required: true });
    this.temperature = make("input", { type: "number", min: 0, step: "any" });
    this.button = make("button", { type: "submit", class: "wb-ask-main", disabled: true, title: "new samples each time; both checkpoints use the same random numbers" }, "Prompt");
    this.status = new StatusLine();
    this.both = make("button", { type: "button", hidden: true, click: () => this.readBoth() }, "Compare token by token");
    this.columns = make("div", { class: "wb-ask-columns" });
    /** @type {CompletionColumn[]} */
    this.completions = [];
    this.element = make("div", {}, make("form", { class: "wb-ask-form", submit: (event) => { event.preventDefault(); this.send(); } },
      make("div", { class: "wb-ask-line" }, labelled("Prompt the model", this.first), labelled("compare with", this.second)),
      make("div", { class: "wb-ask-line" }, labelled("with", this.about), this.number), this.question, this.text,
      make("div", { class: "wb-ask-line" }, labelled("samples", this.count), labelled("temperature", this.temperature), this.button, this.both)),
    this.status.element, this.columns);
  }

  async open() {
    try {
      await this.kept.refresh();
      this.status.show("");
      this.preview();
    } catch (error) {
      this.status.fail("No checkpoint to prompt yet", error);
    }
    this.button.disabled = !this.first.options.length || this.waiting;
  }

  /** Offers the checkpoints; a choice stays. @param {Kept} kept */
  offer({ steps, temperature }) {
    const checkpoints = choices(steps);
    fill(this.first, checkpoints, this.first.value || "0");
    fill(this.second, [["", "nothing"], ...checkpoints], this.second.options.length ? this.second.value : checkpoints.length > 1 ? NEWEST : "");
    this.temperature.placeholder = String(temperature ?? 1);
    this.temperature.title = "empty: the run's own; 0: greedy decoding";
  }

  // ------------------------------------------------------------------ the prompt

  /** Another kind of prompt. */
  switchKind() {
    const about = this.about.value;
    this.number.hidden = about !== "held";
    this.text.hidden = about !== "own";
    this.preview();
    if (about === "own") this.text.focus();
  }

  /** Shows the problem before it is sent. */
  async preview() {
    const prompt = this.about.value === "own" ? null : this.prompt();
    this.question.hidden = !prompt;
    if (!prompt) return;
    if (this.about.value === "shown") return this.quote(this.place?.question ?? "", null);
    try {
      const problem = await this.host.source.ask({ kind: "problem", prompt });
      if (this.about.value === "held" && this.prompt()?.number === prompt.number) this.quote(problem.question, problem.reference);
    } catch (error) {
      this.quote(messageOf(error), null);
    }
  }

  /** @param {string} text @param {string | null} reference */
  quote(text, reference) {
    this.question.replaceChildren(text.trim(), reference === null ? "" : make("div", {}, "reference answer: ", make("b", {}, reference)));
  }

  /** The prompt as the kernel expects it; null where there is none. @returns {Record<string, any> | null} */
  prompt() {
    if (this.about.value === "own") return { text: this.text.value };
    if (this.about.value === "held") return { number: Math.trunc(Number(this.number.value)) };
    this.place = this.shown() ?? this.place;
    return this.place && { step: this.place.step, rollout: this.place.rollout };
  }

  /** The problem of the run that is shown below, unless completions are shown in its place. */
  shown() {
    const { group, boardShown } = this.host.tokens;
    if (group?.kind !== "group") return null;
    const question = boardShown.groups.find((entry) => entry.group === group.group)?.question ?? group.rollouts[0].problem;
    return { step: group.step, rollout: group.rollouts[0].rollout, question };
  }

  // ------------------------------------------------------------------ the completions

  async send() {
    const prompt = this.prompt();
    if (!prompt) return this.status.show("No problem of the run is shown below yet: choose a held-out problem, or write a prompt.", true);
    const checkpoints = [...new Set([this.first.value, this.second.value].filter(Boolean))];
    const request = { kind: "try", prompt, n: Number(this.count.value), seed: this.seed, temperature: this.temperature.value === "" ? null : Number(this.temperature.value) };
    this.seed += 1;
    this.status.show("");
    this.both.hidden = true;
    this.waiting = true;
    this.button.disabled = true;
    this.completions = checkpoints.map((each) => new CompletionColumn(each === NEWEST ? each : checkpointText(Number(each))));
    this.columns.replaceChildren(...this.completions.map(({ element }) => element));
    const own = this.completions;
    await Promise.all(checkpoints.map((each, place) => this.fetch({ ...request, step: stepOf(each) }, own[place])));
    this.both.hidden = !(own.length === 2 && own.every(({ group }) => group));
    this.waiting = false;
    this.button.disabled = false;
  }

  /** @param {any} request @param {CompletionColumn} column */
  async fetch(request, column) {
    try {
      /** @type {Completed} */
      const group = await this.host.source.ask(request);
      const source = checkpointText(group.step);
      column.show(group, source, (rollout) => this.read({ group, source }, null, rollout));
    } catch (error) {
      column.fail(`No completions: ${messageOf(error)}`);
    }
  }

  readBoth() {
    const [left, right] = this.completions.map(({ group, source }) => ({ group: /** @type {Completed} */ (group), source }));
    return this.read(left, right);
  }

  /** @param {import("./parts.js").Completions} left @param {import("./parts.js").Completions | null} right @param {import("../wire/payload.js").Rollout} [rollout] */
  async read(left, right, rollout) {
    try {
      await this.host.read(left, right, rollout);
    } catch (error) {
      this.status.fail("The completions cannot be opened", error);
    }
  }

  close() { this.rest.stop(); }
}

/** @param {HTMLSelectElement} select @param {[string, string][]} options @param {string} chosen */
function fill(select, options, chosen) {
  select.replaceChildren(...options.map(([value, text]) => make("option", { value, selected: value === chosen }, text)));
}
