/** Texts token by token, one passage below the other; only the lines in sight are in the page. */

import { make } from "../page/dom.js";
import { LINE, firstPart, layLines, lineOf } from "../page/lines.js";

/**
 * A text: its faces, its characters (`read`), and what stands beside (`head`) and below it (`foot`).
 * @typedef {{ count: number, faceAt: (at: number) => import("../page/lines.js").Face, head?: HTMLElement | null, foot?: HTMLElement | null,
 *   label: string, read: (from: number, to: number) => string, rollout?: import("../wire/payload.js").Rollout }} Text
 * @typedef {{ spans: HTMLElement[], parts: number[], element: HTMLElement }} Row
 */

const BEYOND = 6 * LINE; // pixels above and below the window that are drawn as well
const SLACK = 2; // pixels a line may be wider than measured

/** A text in its place. */
export class Passage {
  /** @param {Text} text */
  constructor(text) {
    this.text = text;
    /** @type {Map<number, Row>} lines in the page */
    this.rows = new Map();
    /** @type {import("../page/lines.js").Lines} */
    this.lines = layLines(0, text.faceAt, 1);
    this.top = 0; // of the first line, from the top of the sheet
    this.tokens = make("div", { class: text.rollout ? "wb-lines wb-tokens" : "wb-lines", dir: "ltr" });
    this.element = make("article", { class: text.rollout ? "wb-passage wb-rollout" : "wb-passage", "aria-label": text.label },
      text.head, make("div", { class: "wb-text" }, this.tokens, text.foot));
    if (text.rollout) this.element.dataset.rollout = String(text.rollout.rollout);
  }

  /** @param {number} width */
  lay(width) {
    this.lines = layLines(this.text.count, this.text.faceAt, width - SLACK);
    this.clear();
    this.tokens.style.height = `${this.lines.count * LINE}px`;
  }

  /** The rollout, in a pane: only prompts have none. */
  get rollout() {
    return /** @type {import("../wire/payload.js").Rollout} */ (this.text.rollout);
  }

  clear() {
    for (const row of this.rows.values()) row.element.remove();
    this.rows.clear();
  }

  /** Brings the lines from `first` up to `last` into the page, and takes all others out. @param {number} first @param {number} last @param {(at: number) => string} dress */
  show(first, last, dress) {
    for (const [number, row] of this.rows) {
      if (number >= first && number < last) continue;
      row.element.remove();
      this.rows.delete(number);
    }
    for (let number = first; number < last; number += 1) {
      if (!this.rows.has(number)) this.place(number, this.row(number, dress));
    }
  }

  /** Lines stand in the page in their order, as reading and copying need it. @param {number} number @param {Row} row */
  place(number, row) {
    const before = this.rows.get(number - 1)?.element;
    if (before) before.after(row.element);
    else this.tokens.prepend(row.element);
    this.rows.set(number, row);
  }

  /** @param {number} number @param {(at: number) => string} dress @returns {Row} */
  row(number, dress) {
    const { tokenOf, partOf, starts } = this.lines;
    const spans = [];
    const parts = [];
    for (let part = starts[number]; part < starts[number + 1]; part += 1) {
      const at = tokenOf[part];
      const face = this.text.faceAt(at);
      const { text, mark } = face.parts[partOf[part]];
      const span = document.createElement("span");
      span.className = face.base + dress(at);
      span.dataset.at = String(at);
      if (mark) span.dataset.mark = mark;
      span.textContent = text;
      spans.push(span);
      parts.push(part);
    }
    const element = make("div", { class: "wb-row", style: `top:${number * LINE}px` }, spans);
    return { element, spans, parts };
  }

  /** Classes anew, where they changed. @param {(at: number) => string} dress */
  dress(dress) {
    for (const row of this.rows.values()) {
      row.spans.forEach((span, place) => {
        const at = this.lines.tokenOf[row.parts[place]];
        const name = this.text.faceAt(at).base + dress(at);
        if (span.className !== name) span.className = name;
      });
    }
  }

  /** The element of a token's first part, if it is in the page. @param {number} at */
  span(at) {
    const row = this.rows.get(lineOf(this.lines, at));
    return row?.spans[firstPart(this.lines, at) - row.parts[0]] ?? null;
  }
}

export class Sheet {
  /**
   * @param {{ label: string, dress: (passage: Passage, at: number) => string, drawn?: () => void, class?: string }} settings
   *   `dress`: a token's further classes, with a space ahead; `drawn` is called after every redraw
   */
  constructor({ label, dress, drawn, class: name = "" }) {
    this.dress = dress;
    this.drawn = drawn;
    /** @type {Passage[]} */
    this.passages = [];
    this.width = 0;
    this.height = 0; // of everything, in pixels
    this.sight = 0; // height of the window
    this.from = 0; // where the window begins
    this.inner = make("div", { class: "wb-inner" });
    this.element = make("div", { class: `wb-sheet ${name}`, tabindex: 0, role: "group", "aria-label": label,
      scroll: () => this.plan(), copy: (event) => this.copy(event) }, this.inner);
    this.watcher = new ResizeObserver(() => this.measured());
    this.watcher.observe(this.element);
    this.watcher.observe(this.inner);
  }

  /** @param {Text[]} texts */
  fill(texts) {
    this.passages = texts.map((text) => new Passage(text));
    this.width = 0;
    this.inner.replaceChildren(...this.passages.map((passage) => passage.element));
    this.element.scrollTop = 0;
    this.measured();
  }

  /** Lays the lines where the width is new; then the places of all passages are. */
  measured() {
    const width = this.passages[0]?.tokens.clientWidth ?? 0;
    if (!width && this.passages.length) return; // not in the page yet
    if (width !== this.width) for (const passage of this.passages) passage.lay(width);
    this.width = width;
    for (const passage of this.passages) passage.top = passage.tokens.offsetTop;
    this.height = this.inner.scrollHeight;
    this.sight = this.element.clientHeight;
    this.draw();
  }

  /** Draws at the next frame. */
  plan() {
    if (this.planned) return;
    this.planned = requestAnimationFrame(() => this.draw());
  }

  draw() {
    if (this.planned) cancelAnimationFrame(this.planned);
    this.planned = 0;
    this.from = this.element.scrollTop;
    const from = this.from - BEYOND;
    const to = this.from + this.sight + BEYOND;
    for (const passage of this.passages) {
      const inside = (/** @type {number} */ y) => Math.max(0, Math.min(passage.lines.count, y));
      const first = inside(Math.floor((from - passage.top) / LINE));
      passage.show(first, inside(Math.ceil((to - passage.top) / LINE)), (at) => this.dress(passage, at));
    }
    this.drawn?.();
  }

  /** Classes of all tokens in sight anew. */
  redress() {
    for (const passage of this.passages) passage.dress((at) => this.dress(passage, at));
  }

  /** Brings a token into sight, with two lines around it; answers its element. @param {Passage} passage @param {number} at */
  reveal(passage, at) {
    const { element } = this;
    const y = passage.top + lineOf(passage.lines, at) * LINE;
    if (y < element.scrollTop + 2 * LINE) element.scrollTop = at === 0 ? passage.element.offsetTop : y - 2 * LINE;
    if (y > element.scrollTop + this.sight - 3 * LINE) element.scrollTop = y - this.sight + 3 * LINE;
    this.draw();
    const span = passage.span(at);
    span?.scrollIntoView({ block: "nearest" }); // of the page around
    return span;
  }

  /** Which token a node belongs to. @param {EventTarget | null} node @returns {{ passage: Passage, at: number } | null} */
  tokenAt(node) {
    const element = node instanceof Element ? node : node instanceof Node ? node.parentElement : null;
    const span = /** @type {HTMLElement | null} */ (element?.closest(".wb-token") ?? null);
    const article = span?.closest(".wb-passage");
    const passage = article && this.passages.find((each) => each.element === article);
    return passage && span?.dataset.at !== undefined ? { passage, at: Number(span.dataset.at) } : null;
  }

  /** Copies the text without the line breaks of the layout. @param {ClipboardEvent} event */
  copy(event) {
    const selection = getSelection();
    if (!selection || selection.isCollapsed || !event.clipboardData) return;
    const range = selection.getRangeAt(0);
    const [from, to] = [this.tokenAt(range.startContainer), this.tokenAt(range.endContainer)];
    if (!from || !to || (from.passage === to.passage && from.at === to.at)) return;
    const [first, last] = [from, to].map(({ passage }) => this.passages.indexOf(passage));
    const texts = this.passages.slice(first, last + 1).map((passage, place) =>
      passage.text.read(place ? 0 : from.at, first + place === last ? to.at + 1 : passage.text.count));
    event.clipboardData.setData("text/plain", texts.join("\n\n"));
    event.preventDefault();
  }

  close() {
    this.watcher.disconnect();
    if (this.planned) cancelAnimationFrame(this.planned);
    this.element.remove();
  }
}
