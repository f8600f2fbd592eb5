/** How wide tokens are: each kind of token is measured once. */

import { baseClass, faceOf } from "./tokens.js";

/** @typedef {import("./lines.js").Face} Face @typedef {import("./tokens.js").Entry} Entry */

const SMALL = 0.86; // size of special tokens, as the style sheet has it
const MARK = 0.8; // size of marks
const PADDING = 1; // left of every token, where its neighbour ends
const ROUND = 7; // further padding of special tokens
export const PIECE = "·"; // a token whose bytes are a part of the character on a later one

export class Faces {
  /** @param {string} font as a canvas wants it, "14px monospace" */
  constructor(font) {
    const context = /** @type {CanvasRenderingContext2D} */ (document.createElement("canvas").getContext("2d"));
    context.font = font;
    this.font = font;
    this.context = context;
    this.letter = context.measureText("0").width;
    /** @type {Map<number, Face>} */
    this.byId = new Map();
    /** @type {Map<string, Face>} */
    this.known = new Map();
  }

  /** The face of a token as it is. @param {number} id @param {Entry | undefined} entry @returns {Face} */
  of(id, entry) {
    let face = this.byId.get(id);
    if (!face) this.byId.set(id, face = this.face(entry));
    return face;
  }

  /** Pixels of a text: letters of ASCII are all as wide. @param {string} text */
  width(text) {
    return /^[\x20-\x7e]*$/.test(text) ? text.length * this.letter : this.context.measureText(text).width;
  }

  /** A token's face; `text` is shown in place of the entry's where that is bytes, `mark` where no text is left for it.
   * @param {Entry | undefined} entry @param {string} [text] @returns {Face} */
  face(entry, text, mark = "") {
    const shown = text ?? entry?.[0] ?? "⟨?⟩";
    const joined = text !== undefined && text !== entry?.[0];
    const key = `${entry?.[1] ?? 0}${joined}${mark}${shown}`;
    let face = this.known.get(key);
    if (!face) this.known.set(key, face = this.made(shown, joined ? [shown, 0] : entry, joined ? mark : null));
    return face;
  }

  /** A token as it is seen alone. @param {number} id @param {Entry | undefined} entry @param {string | undefined} spelled the characters its bytes complete */
  spelled(id, entry, spelled) {
    return spelled === undefined ? this.of(id, entry) : this.face(entry, spelled, PIECE);
  }

  /** @param {string} text @param {Entry | undefined} entry @param {string | null} mark in place of no text; null: the text is the token's own */
  made(text, entry, mark) {
    const parts = mark !== null && text === "" ? [{ text: "", mark, ends: false }] : faceOf(text);
    const size = entry?.[1] ? SMALL : 1;
    const padding = PADDING + (entry?.[1] ? ROUND : 0);
    const widths = parts.map((part) => this.width(part.text) * size + this.width(part.mark) * MARK * size + padding);
    return { parts, widths, base: baseClass(entry) };
  }
}

/** The font of tokens, as a canvas wants it. @param {HTMLElement} element @param {number} size pixels, as the style sheet has it */
export function fontOf(element, size) {
  return `${size}px ${getComputedStyle(element).getPropertyValue("--wb-mono") || "monospace"}`;
}
