/** What the sections below the curves share: the choice of a checkpoint, labelled fields, a status line. */

import { make } from "../page/dom.js";

/**
 * What a section works with. `read` opens completions in the token view, `visit` a recorded group; `page` is the address of
 * the run's own page, if any.
 * @typedef {{ source: import("../wire/source.js").KernelSource, tokens: import("../tokens/token_view.js").TokenView,
 *   read: (left: Completions, right: Completions | null, rollout?: import("../wire/payload.js").Rollout) => Promise<void>,
 *   visit: (place: { step: number, group: number, rollout?: number }) => Promise<void>, opens: boolean, page: string }} Host
 * Completions of one checkpoint, and its name.
 * @typedef {{ group: import("../wire/payload.js").Group, source: string }} Completions
 * A section: `open` is called whenever it is unfolded, `fold` when it is folded; `kept` are its checkpoints.
 * @typedef {{ element: HTMLElement, kept: Checkpoints, status: StatusLine, open: () => void, fold?: () => void, close: () => void }} Section
 * @typedef {{ name: string, steps: number[], temperature: number | null, problems: number | null }} Kept
 */

/** @param {unknown} error */
export function messageOf(error) { return error instanceof Error ? error.message : String(error); }

/** A checkpoint in words. @param {number} step */
export function checkpointText(step) { return step === 0 ? "before training" : `after step ${step}`; }

export const NEWEST = "newest"; // resolved when the request is answered: a running trainer replaces it

/** The checkpoints that can be chosen, as values and texts, in order. @param {number[]} steps @returns {[string, string][]} */
export function choices(steps) {
  return steps.map((step, place) => (step > 0 && place === steps.length - 1 ? [NEWEST, `newest (${checkpointText(step)})`] : [String(step), checkpointText(step)]));
}

/** A chosen checkpoint as the kernel expects it. @param {string} value @returns {number | null} */
export function stepOf(value) { return value === NEWEST ? null : Number(value); }

/** @param {string} text @param {HTMLElement} control @param {any} [more] what stands behind the control */
export function labelled(text, control, more = null) {
  return make("label", { class: "wb-ask-field" }, make("span", {}, text), control, more);
}

/** A status line; errors stand out and are announced at once. */
export class StatusLine {
  constructor() {
    this.element = make("p", { class: "wb-ask-told", role: "status", hidden: true });
  }

  /** @param {string} text @param {boolean} [error] */
  show(text, error = false) {
    this.element.hidden = !text;
    this.element.classList.toggle("wb-ask-error", error);
    this.element.setAttribute("role", error ? "alert" : "status");
    if (this.element.textContent !== text) this.element.textContent = text;
  }

  /** @param {string} what failed @param {unknown} error */
  fail(what, error) { this.show(`${what}: ${messageOf(error)}`, true); }
}

/** The checkpoints of the run; `offer` is called whenever they have changed. */
export class Checkpoints {
  /** @param {import("../wire/source.js").KernelSource} source @param {(kept: Kept) => void} offer */
  constructor(source, offer) {
    this.source = source;
    this.offer = offer;
    this.known = "";
  }

  async refresh() {
    const found = await this.source.ask({ kind: "checkpoints" });
    if (String(found.steps) === this.known) return;
    this.offer(found);
    this.known = String(found.steps);
  }
}

/** Acts after a pause in the typing. */
export class Debounce {
  /** @param {number} milliseconds */
  constructor(milliseconds) { this.milliseconds = milliseconds; }

  /** @param {() => void} act */
  before(act) {
    clearTimeout(this.timer);
    this.timer = setTimeout(act, this.milliseconds);
  }

  stop() { clearTimeout(this.timer); }
}
