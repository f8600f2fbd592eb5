/** One rollout in two strips: gradient weights above, Δ log-probs below. */

import { isShortcut, make } from "../page/dom.js";
import { cleared, coloursOf } from "./plot.js";

/** @typedef {import("./math.js").Tokens} Tokens @typedef {{ tokens: Tokens, reach: { weight: number, delta: number } }} Drawn */

const HIGH = 34; // pixels of a strip
const APART = 10; // between them
const WIDEST = 14; // pixels of a token

export class StepStrips {
  /** @type {Drawn | null} */
  drawn = null;
  /** @type {{ from: number, to: number }} the rollout's tokens */
  part = { from: 0, to: 0 };
  chosen = -1;

  /** @param {{ choose: (at: number) => void, read: (at: number) => void }} host */
  constructor(host) {
    this.host = host;
    this.canvas = make("canvas", { class: "wb-step-strips", tabindex: 0, role: "img", style: `height:${2 * HIGH + APART}px`,
      "aria-label": "gradient weights above, changes of log-prob below, one bar per token; arrow keys go from token to token, Enter shows the token",
      keydown: (event) => this.key(event), click: (event) => this.clicked(event) });
    this.watcher = new ResizeObserver(() => this.paint());
    this.watcher.observe(this.canvas);
  }

  /** @param {Drawn} drawn @param {number} owner of the tokens @param {number} chosen */
  show(drawn, owner, chosen) {
    const { owners } = drawn.tokens;
    const from = owners.indexOf(owner);
    this.drawn = drawn;
    this.part = { from: Math.max(0, from), to: owners.lastIndexOf(owner) + 1 };
    this.chosen = chosen;
    this.paint();
  }

  /** Pixels of a token. */
  get wide() {
    return Math.min(WIDEST, this.canvas.clientWidth / Math.max(1, this.part.to - this.part.from));
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (isShortcut(event)) return;
    const { from, to } = this.part;
    const here = this.chosen >= from && this.chosen < to ? this.chosen : from - 1;
    const next = { ArrowRight: here + 1, ArrowLeft: here - 1, Home: from, End: to - 1 }[event.key];
    if (event.key === "Enter" && this.chosen >= 0) this.host.read(this.chosen);
    else if (next === undefined) return;
    else if (next >= from && next < to) this.host.choose(next);
    event.preventDefault();
    event.stopPropagation(); // or the tokens would move
  }

  /** @param {MouseEvent} event */
  clicked(event) {
    const at = this.part.from + Math.floor(event.offsetX / this.wide);
    if (at < this.part.to) this.host.choose(at);
  }

  paint() {
    if (!this.drawn) return;
    const context = cleared(this.canvas);
    if (!context) return;
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const colours = coloursOf(this.canvas);
    const { tokens, reach } = this.drawn;
    [{ values: tokens.weight, most: reach.weight }, { values: tokens.delta, most: reach.delta }].forEach(({ values, most }, place) => {
      const middle = place * (HIGH + APART) + HIGH / 2;
      context.fillStyle = colours.line;
      context.fillRect(0, middle - 0.5, Math.min(width, this.wide * (this.part.to - this.part.from)), 1);
      this.paintBars(context, colours, values, { most, middle });
    });
    if (this.chosen < this.part.from || this.chosen >= this.part.to) return;
    context.strokeStyle = colours.text;
    context.strokeRect((this.chosen - this.part.from) * this.wide - 0.5, 0.5, Math.max(3, this.wide) + 1, height - 1);
  }

  /** Bars up and down from the middle; of tokens that share a pixel the strongest is seen.
   * @param {CanvasRenderingContext2D} context @param {import("./plot.js").Colours} colours @param {Float64Array} values
   * @param {{ most: number, middle: number }} scale */
  paintBars(context, colours, values, { most, middle }) {
    const { from, to } = this.part;
    const together = Math.max(1, Math.floor(1 / this.wide));
    for (let first = from; first < to; first += together) {
      let value = 0;
      for (let at = first; at < Math.min(to, first + together); at += 1) if (Math.abs(values[at]) > Math.abs(value)) value = values[at];
      const size = Math.sqrt(Math.min(1, Math.abs(value) / most)) * (HIGH / 2); // small ones stay visible
      if (!size) continue;
      context.fillStyle = value > 0 ? colours.up : colours.down;
      const wide = Math.max(1, this.wide * together - (this.wide > 3 ? 1 : 0));
      context.fillRect((first - from) * this.wide, value > 0 ? middle - size : middle, wide, Math.max(1, size));
    }
  }

  close() {
    this.watcher.disconnect();
  }
}
