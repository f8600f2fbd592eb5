/** What the sections below the curves share: moments of a run, labelled fields, a line that says how it goes. */

import { make } from "../page/dom.js";

/**
 * What a section works with. `read` opens answers in the token view; `place` is where a run's own page is, if it has one.
 * @typedef {{ source: import("../wire/source.js").KernelSource, tokens: import("../tokens/token_view.js").TokenView,
 *   read: (left: Written, right: Written | null, rollout?: import("../wire/payload.js").Rollout) => Promise<void>,
 *   opens: boolean, page: string }} Host
 * Answers of one model, and who wrote them, in words.
 * @typedef {{ group: import("../wire/payload.js").Group, told: string }} Written
 * A section: `open` is called whenever it is unfolded, `fold` when it is folded; `kept` may have become more meanwhile.
 * @typedef {{ element: HTMLElement, kept: Checkpoints, told: Told, open: () => void, fold?: () => void, close: () => void }} Section
 * @typedef {{ name: string, steps: number[], temperature: number | null, problems: number | null }} Kept
 */

/** @param {unknown} error */
export function wordsOf(error) { return error instanceof Error ? error.message : String(error); }

/** A moment of a run in words. @param {number} step */
export function momentOf(step) { return step === 0 ? "before training" : `after step ${step}`; }

export const NEWEST = "newest"; // whatever that is when it is asked: a run that goes on replaces it

/** The moments that can be chosen, as values and words, in order. @param {number[]} steps @returns {[string, string][]} */
export function choices(steps) {
  return steps.map((step, place) => (step > 0 && place === steps.length - 1 ? [NEWEST, `newest (${momentOf(step)})`] : [String(step), momentOf(step)]));
}

/** A chosen moment as the kernel wants it. @param {string} value @returns {number | null} */
export function stepOf(value) { return value === NEWEST ? null : Number(value); }

/** @param {string} text @param {HTMLElement} control @param {any} [more] what stands behind the control */
export function labelled(text, control, more = null) {
  return make("label", { class: "wb-ask-field" }, make("span", {}, text), control, more);
}

/** A line that says how it goes; what went wrong stands out, and is said at once. */
export class Told {
  constructor() {
    this.element = make("p", { class: "wb-ask-told", role: "status", hidden: true });
  }

  /** @param {string} text @param {boolean} [wrong] */
  say(text, wrong = false) {
    this.element.hidden = !text;
    this.element.classList.toggle("wb-ask-wrong", wrong);
    this.element.setAttribute("role", wrong ? "alert" : "status");
    if (this.element.textContent !== text) this.element.textContent = text;
  }

  /** @param {string} what could not be done @param {unknown} error */
  fail(what, error) { this.say(`${what}: ${wordsOf(error)}`, true); }
}

/** The checkpoints of the run, looked at again and again while it goes on; offered where they have changed. */
export class Checkpoints {
  /** @param {import("../wire/source.js").KernelSource} source @param {(kept: Kept) => void} offer */
  constructor(source, offer) {
    this.source = source;
    this.offer = offer;
    this.known = "";
  }

  async look() {
    const found = await this.source.ask({ kind: "checkpoints" });
    if (String(found.steps) === this.known) return;
    this.offer(found);
    this.known = String(found.steps);
  }
}

/** Waits for a pause in the typing. */
export class Rest {
  /** @param {number} milliseconds */
  constructor(milliseconds) { this.milliseconds = milliseconds; }

  /** @param {() => void} act */
  before(act) {
    clearTimeout(this.timer);
    this.timer = setTimeout(act, this.milliseconds);
  }

  stop() { clearTimeout(this.timer); }
}
