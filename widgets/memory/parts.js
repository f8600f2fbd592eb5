/** What the views of the memory share: controls, the line that turns pages, words for numbers. */

import { make } from "../page/dom.js";
import { show } from "../page/signals.js";

/** @param {number} count @param {string} one @param {string} [many] */
export function counted(count, one, many = `${one}s`) { return `${count.toLocaleString("en")} ${count === 1 ? one : many}`; }

/** @param {number | null | undefined} share */
export function percent(share) { return typeof share === "number" ? `${show(100 * share, 2)} %` : "–"; }

/** A labelled list of choices. @param {string} label @param {[string, string][]} options @param {string} value @param {(value: string) => void} choose */
export function choice(label, options, value, choose) {
  const list = make("select", { change: () => choose(list.value) }, options.map(([name, text]) => make("option", { value: name, selected: name === value }, text)));
  return make("label", { class: "wb-control" }, `${label} `, list);
}

/** Acts once after the last of several calls. @param {() => void} act @param {number} [milliseconds] */
export function debounced(act, milliseconds = 250) {
  /** @type {any} */
  let timer;
  return { call: () => { clearTimeout(timer); timer = setTimeout(act, milliseconds); }, stop: () => clearTimeout(timer) };
}

/** "1–30 of 512" with buttons for the rows before and after; `turn` is called with the first row wanted. */
export class Pager {
  /** @param {number} size rows of a page @param {(start: number) => void} turn */
  constructor(size, turn) {
    this.start = 0;
    this.text = make("span", { class: "wb-muted wb-number", role: "status" });
    this.before = make("button", { type: "button", "aria-label": "rows before these", click: () => turn(Math.max(0, this.start - size)) }, "‹");
    this.after = make("button", { type: "button", "aria-label": "rows after these", click: () => turn(this.start + size) }, "›");
    this.element = make("span", { class: "wb-control" }, this.before, this.text, this.after);
  }

  /** @param {number} start @param {number} count of rows that are shown @param {number} total */
  show(start, count, total) {
    this.start = start;
    this.text.textContent = total ? ` ${(start + 1).toLocaleString("en")}–${(start + count).toLocaleString("en")} of ${total.toLocaleString("en")} ` : " none ";
    this.before.disabled = start === 0;
    this.after.disabled = start + count >= total;
  }
}
