/** "Evaluate": checkpoints on held-out problems, in a process of its own; earlier results are shown at once. */

import { Checkpoints, NEWEST, StatusLine, choices, labelled, checkpointText, stepOf, messageOf } from "./parts.js";
import { figure, table } from "./results.js";
import { make } from "../page/dom.js";

/** @typedef {import("./parts.js").Host} Host @typedef {import("./parts.js").Kept} Kept */
/** @typedef {{ verdict: string, text: string, step: number | null, seconds: number }} Progress */

const EVERY = 1000; // milliseconds between two requests for the progress
const PROBLEMS = 64; // where the run's config has no evaluation

/** How many completions an evaluation takes. @param {number} models @param {number} problems @param {string} samples the values of k */
export function effort(models, problems, samples) {
  const most = Math.max(...(samples.match(/\d+/g) ?? []).map(Number));
  const completions = models * problems * most;
  return Number.isFinite(completions) ? `${completions.toLocaleString("en")} completions: ${models} ${models === 1 ? "checkpoint" : "checkpoints"}, ${problems} problems, ${most} samples each` : "";
}

/** How an evaluation is doing, without its clock. @param {Progress} progress */
export function progressText({ verdict, text, step, seconds }) {
  const took = `${Math.round(seconds)} s`;
  /** @type {Record<string, string>} */
  const words = { running: step === null ? "loading the model" : `evaluating the model ${checkpointText(step)}`, done: `done in ${took}`,
    cancelled: `cancelled after ${took}; finished results are kept`, failed: `evaluation failed: ${text}` };
  return words[verdict] ?? "";
}

export class EvaluatePanel {
  /** @type {Progress} */
  progress = { verdict: "", text: "", step: null, seconds: 0 };
  folded = true;

  /** @param {Host} host */
  constructor(host) {
    this.host = host;
    this.kept = new Checkpoints(host.source, (kept) => this.offer(kept));
    /** @type {Map<string, HTMLInputElement>} by checkpoint */
    this.boxes = new Map();
    this.checkpoints = make("fieldset", { class: "wb-ask-checkpoints", change: () => this.update() });
    this.problems = make("input", { type: "number", min: 1, required: true, input: () => this.update() });
    this.samples = make("input", { type: "text", value: "1, 4, 16", required: true, title: "the values of k in pass@k, separated by commas; the largest is the number of samples per problem", size: 9, input: () => this.update() });
    this.effort = make("span", { class: "wb-muted wb-number" });
    this.button = make("button", { type: "submit", class: "wb-ask-main", disabled: true }, "Evaluate");
    this.cancel = make("button", { type: "button", hidden: true, click: () => this.ask("evaluation_cancel") }, "Cancel");
    this.clock = make("span", { class: "wb-muted wb-number", "aria-hidden": "true" });
    this.status = new StatusLine();
    this.results = make("div", { class: "wb-ask-results" });
    this.element = make("div", {}, make("form", { class: "wb-ask-form", submit: (event) => { event.preventDefault(); this.begin(); } },
      this.checkpoints, make("div", { class: "wb-ask-line" }, labelled("held-out problems", this.problems), labelled("samples (k) for pass@k", this.samples), this.button, this.effort),
      make("div", { class: "wb-ask-line" }, this.status.element, this.clock, this.cancel)), this.results);
  }

  async open() {
    this.folded = false;
    this.loadResults();
    try {
      await this.kept.refresh();
      await this.poll();
    } catch (error) {
      this.button.disabled = true;
      this.status.fail("No checkpoint to evaluate yet", error);
    }
  }

  fold() {
    this.folded = true;
    clearTimeout(this.timer);
  }

  /** Offers the checkpoints; chosen ones stay chosen, at first the base model and the newest are. @param {Kept} kept */
  offer({ steps, problems }) {
    const before = this.boxes.size ? this.chosen : ["0", NEWEST];
    const checkpoints = choices(steps);
    this.boxes = new Map(checkpoints.map(([value]) => [value, make("input", { type: "checkbox", checked: before.includes(value) })]));
    this.checkpoints.replaceChildren(make("legend", {}, "Checkpoints to evaluate"), ...checkpoints.map(([value, text]) =>
      make("label", { class: "wb-ask-checkpoint" }, /** @type {HTMLInputElement} */ (this.boxes.get(value)), ` ${text}${value === "0" ? " (base model)" : ""}`)));
    this.problems.value ||= String(problems || PROBLEMS);
    this.update();
  }

  get chosen() { return [...this.boxes].filter(([, box]) => box.checked).map(([value]) => value); }

  update() {
    this.effort.textContent = effort(this.chosen.length, Number(this.problems.value), this.samples.value);
    this.button.disabled = this.progress.verdict === "running" || !this.chosen.length;
  }

  // ------------------------------------------------------------------ an evaluation

  begin() {
    const chosen = this.chosen;
    return this.ask("evaluate", { steps: chosen.filter((value) => value !== "0").map(stepOf), base: chosen.includes("0"), problems: Number(this.problems.value), samples: this.samples.value });
  }

  /** @param {string} kind @param {Record<string, any>} [more] */
  async ask(kind, more = {}) {
    try {
      this.show(await this.host.source.ask({ kind, ...more }));
    } catch (error) {
      this.status.show(messageOf(error), true);
    }
  }

  /** Asks for the progress, repeatedly while the evaluation runs. */
  poll() { return this.ask("evaluation_status"); }

  /** @param {Progress} progress */
  show(progress) {
    const before = this.progress;
    this.progress = progress;
    const running = progress.verdict === "running";
    this.status.show(progressText(progress), progress.verdict === "failed");
    this.clock.textContent = running ? `${Math.round(progress.seconds)} s` : "";
    this.cancel.hidden = !running;
    this.update();
    if (before.verdict === "running" && (before.step !== progress.step || !running)) this.loadResults();
    clearTimeout(this.timer);
    if (running && !this.folded) this.timer = setTimeout(() => this.poll(), EVERY);
  }

  /** Loads the results so far. */
  async loadResults() {
    try {
      const { results, unreadable } = await this.host.source.ask({ kind: "evaluations" });
      const lost = unreadable.length ? make("p", { class: "wb-ask-error" }, `cannot be read: ${unreadable.join(", ")}`) : "";
      const shown = results.length ? [make("div", { class: "wb-rows" }, table(results)), figure(results) ?? ""] : [make("p", { class: "wb-muted" }, "This run has not been evaluated yet.")];
      this.results.replaceChildren(...shown, lost);
    } catch (error) {
      this.results.replaceChildren(make("p", { class: "wb-ask-error", role: "alert" }, `The results cannot be read: ${messageOf(error)}`));
    }
  }

  close() { this.fold(); }
}
