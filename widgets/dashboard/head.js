/** The head of a run: name, verdict, progress with the time left, orders, and what went wrong, in words. */

import { make } from "../page/dom.js";
import { Orders } from "./controls.js";

/** @typedef {import("./controls.js").State} State */

/** What a reader is told besides the run's own words. @type {Record<string, { title: string, more: string }>} */
const TROUBLES = {
  dead: { title: "The trainer died", more: "Every step it recorded is whole. Resume starts a new trainer from the last checkpoint." },
  failed: { title: "The run failed", more: "Every step it recorded is whole. Once the cause is mended, Resume goes on from the last checkpoint." },
  stalled: { title: "No sign of life", more: "The trainer process is there. It may be waiting for the machine, or hang; orders are followed only when the step is through." },
  vanished: { title: "The folder of this run is gone", more: "" },
  unreadable: { title: "The run cannot be read", more: "" },
};

/** Seconds for people. @param {number} seconds */
export function duration(seconds) {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

/** The verdict as it is shown. @param {{ verdict: string, phase: string }} state */
export function verdictText({ verdict, phase }) {
  return verdict === "stalled" && phase ? `stalled in ${phase}` : verdict;
}

/** Where a run stands, in one line. @param {State} state */
export function progressText(state) {
  const { step, total, phase, typical, left, ended, verdict } = state;
  if (!total) return verdict === "starting" ? phase : "";
  const told = [`step ${step} of ${total}`];
  if (!ended && phase && verdict !== "stalled" && verdict !== "slow") told.push(phase);
  if (typical !== null && !ended) told.push(`${typical < 10 ? typical.toPrecision(2) : Math.round(typical)} s a step`);
  if (left && verdict !== "stalled") told.push(verdict === "paused" ? `${duration(left)} of work left` : `about ${duration(left)} left`);
  return told.join(" · ");
}

export class Head {
  /** @param {HTMLElement} root @param {import("../wire/source.js").KernelSource} source */
  constructor(root, source) {
    this.orders = new Orders(source);
    this.complained = "";
    this.name = make("b", { class: "wb-run-name" });
    this.verdict = make("span", { class: "wb-state" });
    this.done = make("span", {});
    this.bar = make("span", { class: "wb-progress", role: "progressbar", "aria-label": "steps done", "aria-valuemin": 0 }, this.done);
    this.told = make("span", { class: "wb-muted wb-number" });
    this.trouble = make("div", { class: "wb-trouble", role: "alert", hidden: true });
    root.append(make("header", { class: "wb-run" }, this.name, this.verdict, this.bar, this.told, this.orders.buttonRow),
      this.orders.form, this.orders.answers, this.trouble);
  }

  /** @param {State} state */
  update(state) {
    this.name.textContent = state.name;
    this.verdict.textContent = verdictText(state);
    this.verdict.dataset.verdict = state.verdict;
    this.bar.hidden = !state.total;
    this.done.style.width = `${state.total ? (100 * state.step) / state.total : 0}%`;
    this.bar.setAttribute("aria-valuenow", String(state.step));
    this.bar.setAttribute("aria-valuemax", String(state.total));
    this.told.textContent = [progressText(state), state.verdict in TROUBLES ? "" : state.text].filter(Boolean).join(" · ");
    this.orders.update(state, state.verdict in TROUBLES); // what went wrong offers to resume by itself
    this.complain(state);
  }

  /** Bad luck, told once until it changes. @param {State} state */
  complain(state) {
    const trouble = TROUBLES[state.verdict];
    this.trouble.hidden = !trouble;
    const key = trouble ? `${state.verdict} ${state.text}` : "";
    if (key === this.complained) return;
    this.complained = key;
    const again = state.startable ? make("button", { type: "button", "data-order": "again", click: () => this.orders.give("resume") }, "Resume from the last checkpoint") : null;
    this.trouble.replaceChildren(...(trouble ? [make("b", {}, `${trouble.title}. `), make("span", { class: "wb-words" }, state.text), make("p", {}, trouble.more), ...(again ? [again] : [])] : []));
  }

  close() { this.orders.close(); }
}
