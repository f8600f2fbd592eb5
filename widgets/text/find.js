/** Finds text in all rollouts of the group, visible or not. */

import { make } from "../page/dom.js";
import { lastNotAbove } from "../page/lines.js";

/** @typedef {import("./pane.js").Pane} Pane @typedef {import("./sheet.js").Passage} Passage @typedef {{ pane: Pane, passage: Passage, from: number, to: number }} Hit */

const MOST = 10_000; // hits that are kept

export class Finder {
  /** @param {import("../tokens/token_view.js").TokenView} view */
  constructor(view) {
    this.view = view;
    /** @type {Hit[]} */
    this.hits = [];
    this.hit = -1;
    this.count = make("span", { class: "wb-muted wb-count", role: "status" });
    this.box = make("input", { class: "wb-find", type: "search", placeholder: "find  /", "aria-label": "find text in the rollouts",
      input: () => this.find(this.box.value), keydown: (event) => this.key(event) });
    this.wider = make("button", { type: "button", hidden: true, title: "search all problems of the step, or all steps", click: () => this.view.controls.openSearch(this.box.value) }, "everywhere");
    this.element = make("span", { class: "wb-control" }, this.count, this.box, this.wider);
  }

  /** Marks every token that holds a part of the text. @param {string} text */
  find(text) {
    this.hits = [];
    this.hit = -1;
    for (const pane of this.view.panes) this.search(pane, text);
    this.showCount(text);
    for (const pane of this.view.panes) {
      pane.sheet.redress();
      pane.repaintMap();
    }
  }

  /** @param {Pane} pane @param {string} text */
  search(pane, text) {
    pane.marks = text ? new Uint8Array(pane.group.columns.tokens.length) : null;
    if (!pane.marks) return;
    for (const passage of pane.sheet.passages) {
      const { start, length } = passage.rollout;
      for (const { from, to } of hitsIn(pane.shades.texts.slice(start, start + length), text, MOST - this.hits.length)) {
        this.hits.push({ pane, passage, from, to });
        pane.marks.fill(1, start + from, start + to + 1);
      }
    }
  }

  /** @param {string} text */
  showCount(text) {
    const known = this.hits.length === MOST ? `${MOST} or more` : String(this.hits.length);
    this.wider.hidden = !text || !this.view.source.find;
    this.count.textContent = !text ? "" : this.hit < 0 ? `${known} found` : `${this.hit + 1} of ${known}`;
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    event.stopPropagation();
    if (event.key === "Escape") {
      this.box.value = "";
      this.find("");
      this.view.focus();
    }
    if (event.key !== "Enter" || !this.hits.length) return;
    this.hit = (this.hit + (event.shiftKey ? this.hits.length - 1 : 1)) % this.hits.length;
    this.showCount(this.box.value);
    const { pane, passage, from } = this.hits[this.hit];
    this.view.walker.go(pane, passage, from);
  }
}

/** Ranges of tokens whose joined text contains the search text, ignoring case.
 * @param {string[]} texts @param {string} wanted @param {number} most */
export function hitsIn(texts, wanted, most = Infinity) {
  const lower = texts.map((text) => text.toLowerCase());
  const starts = new Int32Array(texts.length);
  for (let at = 1; at < lower.length; at += 1) starts[at] = starts[at - 1] + lower[at - 1].length;
  const whole = lower.join("");
  const sought = wanted.toLowerCase();
  const found = [];
  for (let start = whole.indexOf(sought); start >= 0 && sought && found.length < most; start = whole.indexOf(sought, start + 1)) {
    found.push({ from: lastNotAbove(starts, start), to: lastNotAbove(starts, start + sought.length - 1) });
  }
  return found;
}
