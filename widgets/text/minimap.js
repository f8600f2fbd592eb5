/** The minimap of a sheet: a canvas with rows of pixels for its lines, and a frame around the visible part. */

import { make } from "../page/dom.js";
import { LINE } from "../page/lines.js";
import { IDLE, LEVELS, MISSING } from "../page/signals.js";

const WIDTH = 64; // pixels of the canvas
const MANY = 1_500; // tokens

export class Minimap {
  /** @type {{ name: string, levels: Map<number, number> } | undefined} of the theme */
  colours;
  /** @type {Int16Array | undefined} */
  levels;
  /** @type {Uint8Array | null} */
  marks = null;

  /** @param {import("./sheet.js").Sheet} sheet */
  constructor(sheet) {
    this.sheet = sheet;
    this.signed = true;
    this.canvas = make("canvas", { width: WIDTH, "aria-hidden": "true" });
    this.frame = make("div", { class: "wb-frame" });
    this.element = make("div", { class: "wb-minimap", hidden: true, "aria-hidden": "true", title: "the whole group; click to go there",
      pointerdown: (event) => this.grab(event), pointermove: (event) => { if (event.buttons) this.go(event); } }, this.canvas, this.frame);
  }

  /** Pixels here for a pixel of the sheet. */
  get factor() {
    return this.sheet.sight / Math.max(1, this.sheet.height);
  }

  /** Makes room before the lines are laid, where so many tokens will hardly be in sight at once. @param {number} tokens */
  expect(tokens) {
    this.element.hidden = tokens < MANY;
  }

  /** Where the window is; hidden where everything is in sight. Reads no layout: that would be done twice a frame. */
  follow() {
    const { from, sight, height } = this.sheet;
    const needed = height > sight + LINE;
    if (needed === this.element.hidden) {
      this.element.hidden = !needed;
      if (needed) this.paint();
    }
    if (!needed) return;
    this.frame.style.top = `${from * this.factor}px`;
    this.frame.style.height = `${Math.max(6, sight * this.factor)}px`;
  }

  /** @param {PointerEvent} event */
  grab(event) {
    this.element.setPointerCapture(event.pointerId);
    this.go(event);
    event.preventDefault();
  }

  /** @param {PointerEvent} event */
  go(event) {
    const y = event.clientY - this.element.getBoundingClientRect().top;
    this.sheet.element.scrollTop = y / this.factor - this.sheet.sight / 2;
  }

  /** Shows other colours. @param {Int16Array} levels [place] @param {boolean} signed @param {Uint8Array | null} marks found places */
  show(levels, signed, marks) {
    this.levels = levels;
    this.signed = signed;
    this.marks = marks;
    this.paint();
  }

  /** Draws everything; of tokens that share a pixel the strongest is seen. */
  paint() {
    const height = this.sheet.sight;
    if (this.element.hidden || !height || !this.levels) return;
    this.canvas.height = height;
    const context = this.canvas.getContext("2d");
    if (!context) return;
    const image = context.createImageData(WIDTH, height);
    const pixels = new Uint32Array(image.data.buffer);
    const palette = this.palette();
    const strength = new Uint8Array(pixels.length);
    for (const passage of this.sheet.passages) this.paintPassage(passage, { pixels, strength, palette, height });
    context.putImageData(image, 0, 0);
  }

  /** @param {import("./sheet.js").Passage} passage
   * @param {{ pixels: Uint32Array, strength: Uint8Array, palette: Map<number, number>, height: number }} target */
  paintPassage(passage, { pixels, strength, palette, height }) {
    const { lines, text, top } = passage;
    const start = text.rollout?.start ?? 0;
    const across = WIDTH / this.sheet.width;
    const thick = Math.max(1, Math.floor(LINE * this.factor * 0.8));
    for (let line = 0; line < lines.count; line += 1) {
      const y = Math.min(height - 1, Math.floor((top + line * LINE) * this.factor));
      let x = 0;
      for (let part = lines.starts[line]; part < lines.starts[line + 1]; part += 1) {
        const at = lines.tokenOf[part];
        const from = x;
        x += text.faceAt(at).widths[lines.partOf[part]] * across;
        const found = this.marks?.[start + at];
        const level = found ? FOUND : this.levels?.[start + at] ?? IDLE;
        const strong = found ? 255 : level === IDLE || level === MISSING ? 1 : Math.abs(level) + 1;
        const colour = palette.get(level) ?? 0;
        for (let pixel = Math.floor(from); pixel < Math.min(WIDTH, x); pixel += 1) {
          const place = y * WIDTH + pixel;
          if (strength[place] >= strong) continue;
          strength[place] = strong;
          for (let row = 0; row < thick && y + row < height; row += 1) pixels[place + row * WIDTH] = colour;
        }
      }
    }
  }

  /** Colours of the theme as pixels, by level: a canvas cannot inherit them. @returns {Map<number, number>} */
  palette() {
    const dark = this.element.closest("[data-theme]")?.getAttribute("data-theme") === "dark";
    const name = `${dark} ${this.signed}`;
    if (this.colours?.name !== name) this.colours = { name, levels: this.mix(dark) };
    return this.colours.levels;
  }

  /** @param {boolean} dark @returns {Map<number, number>} */
  mix(dark) {
    const style = getComputedStyle(this.element);
    const triple = (/** @type {string} */ name) => style.getPropertyValue(name).trim().split(/[\s,]+/).map(Number);
    const grey = dark ? [160, 168, 181] : [95, 102, 114];
    const names = this.signed ? ["up", "down"] : ["amount", "amount"];
    const [up, down] = names.map((name) => ({ colour: triple(`--wb-${name}`), cap: Number(style.getPropertyValue(`--wb-${name}-cap`)) }));
    const colours = new Map([[0, pixel(grey, 0.22)], [IDLE, pixel(grey, 0.22)], [MISSING, pixel(grey, 0.12)], [FOUND, pixel([255, 170, 0], 1)]]);
    for (let level = 1; level <= LEVELS; level += 1) {
      const opacity = 0.2 + 0.8 * (level / LEVELS) ** 0.75;
      colours.set(level, pixel(up.colour, opacity * up.cap));
      colours.set(-level, pixel(down.colour, opacity * down.cap));
    }
    return colours;
  }
}

const FOUND = 200; // a level of its own

/** As the bytes of an image: red, green, blue, opacity. @param {number[]} colour @param {number} opacity */
function pixel([red, green, blue], opacity) {
  return ((Math.round(opacity * 255) << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}
