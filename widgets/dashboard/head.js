/** The head of a run: name, state, progress with the time left, commands, and errors. */

import { make } from "../page/dom.js";
import { Commands } from "./controls.js";

/** @typedef {import("./controls.js").State} State */

/** Titles and advice for states with an error. @type {Record<string, { title: string, more: string }>} */
const ERRORS = {
  dead: { title: "The trainer died", more: "All recorded steps are complete. Resume starts a new trainer from the last checkpoint." },
  failed: { title: "The run failed", more: "All recorded steps are complete. Fix the cause, then Resume continues from the last checkpoint." },
  stalled: { title: "The trainer does not respond", more: "The trainer process is running. It may be waiting for the machine, or it may hang; commands are applied only after the current step." },
  vanished: { title: "The folder of this run is missing", more: "" },
  unreadable: { title: "The run cannot be read", more: "" },
};

/** Seconds for people. @param {number} seconds */
export function duration(seconds) {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

/** The state as it is shown. @param {{ verdict: string, phase: string }} state */
export function stateText({ verdict, phase }) {
  return verdict === "stalled" && phase ? `stalled in ${phase}` : verdict;
}

/** The progress of a run in one line. @param {State} state */
export function progressText(state) {
  const { step, total, phase, typical, left, ended, verdict } = state;
  if (!total) return verdict === "starting" ? phase : "";
  const parts = [`step ${step} of ${total}`];
  if (!ended && phase && verdict !== "stalled" && verdict !== "slow") parts.push(phase);
  if (typical !== null && !ended) parts.push(`${typical < 10 ? typical.toPrecision(2) : Math.round(typical)} s per step`);
  if (left && verdict !== "stalled") parts.push(verdict === "paused" ? `${duration(left)} of training left` : `about ${duration(left)} left`);
  return parts.join(" · ");
}

export class Head {
  /** @param {HTMLElement} root @param {import("../wire/source.js").KernelSource} source */
  constructor(root, source) {
    this.commands = new Commands(source);
    this.shownError = "";
    this.name = make("b", { class: "wb-run-name" });
    this.verdict = make("span", { class: "wb-state" });
    this.done = make("span", {});
    this.bar = make("span", { class: "wb-progress", role: "progressbar", "aria-label": "steps done", "aria-valuemin": 0 }, this.done);
    this.progress = make("span", { class: "wb-muted wb-number" });
    this.error = make("div", { class: "wb-error", role: "alert", hidden: true });
    root.append(make("header", { class: "wb-run" }, this.name, this.verdict, this.bar, this.progress, this.commands.buttonRow),
      this.commands.form, this.commands.replies, this.error);
  }

  /** @param {State} state */
  update(state) {
    this.name.textContent = state.name;
    this.verdict.textContent = stateText(state);
    this.verdict.dataset.verdict = state.verdict;
    this.bar.hidden = !state.total;
    this.done.style.width = `${state.total ? (100 * state.step) / state.total : 0}%`;
    this.bar.setAttribute("aria-valuenow", String(state.step));
    this.bar.setAttribute("aria-valuemax", String(state.total));
    this.progress.textContent = [progressText(state), state.verdict in ERRORS ? "" : state.text].filter(Boolean).join(" · ");
    this.commands.update(state, state.verdict in ERRORS); // the error message offers to resume
    this.showError(state);
  }

  /** Shows an error, announced once until it changes. @param {State} state */
  showError(state) {
    const error = ERRORS[state.verdict];
    this.error.hidden = !error;
    const key = error ? `${state.verdict} ${state.text}` : "";
    if (key === this.shownError) return;
    this.shownError = key;
    const again = state.startable ? make("button", { type: "button", "data-command": "again", click: () => this.commands.give("resume") }, "Resume from the last checkpoint") : null;
    this.error.replaceChildren(...(error ? [make("b", {}, `${error.title}. `), make("span", { class: "wb-words" }, state.text), make("p", {}, error.more), ...(again ? [again] : [])] : []));
  }

  close() { this.commands.close(); }
}
