/** Tokens as text and elements: text that can be read and copied, marks for what cannot be seen. */

import { make } from "./dom.js";

/**
 * A part of a token that stands in one line. `mark` follows the text; `ends`: the line ends behind it.
 * @typedef {{ text: string, mark: string, ends: boolean }} Part
 * An entry of a vocabulary: text, 1 where it is special, its bytes in hex where they are no whole characters.
 * @typedef {[string, number, string?]} Entry
 */

const LONGEST = 24; // characters of a part: what is longer may be broken between lines

/** What a token shows, line by line. @param {string} text @returns {Part[]} */
export function faceOf(text) {
  if (text === "") return [{ text: "", mark: "∅", ends: false }];
  const lines = visible(text).split("\n");
  const parts = lines.slice(0, -1).flatMap((line) => pieces(line, "⏎", true));
  const last = /** @type {string} */ (lines.at(-1));
  return last === "" ? parts : [...parts, ...pieces(last, "", false)];
}

/** Control and direction characters are shown, not obeyed. @param {string} text */
export function visible(text) {
  return text.replace(/\r\n/g, "\n").replace(/\t/g, "⇥   ")
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, (letter) => `⟨${hex(letter)}⟩`)
    .replace(/[\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g, (letter) => `⟨U+${hex(letter).padStart(4, "0")}⟩`);
}

/** @param {string} letter */
function hex(letter) {
  return /** @type {number} */ (letter.codePointAt(0)).toString(16).toUpperCase().padStart(2, "0");
}

/** @param {string} text @param {string} mark @param {boolean} ends @returns {Part[]} */
function pieces(text, mark, ends) {
  if (text.length <= LONGEST) return [{ text, mark, ends }];
  const letters = [...text];
  const parts = [];
  for (let from = 0; from < letters.length; from += LONGEST) {
    parts.push({ text: letters.slice(from, from + LONGEST).join(""), mark: "", ends: false });
  }
  return [...parts.slice(0, -1), { text: parts[parts.length - 1].text, mark, ends }];
}

/** The classes of a token's element that do not change. @param {Entry | undefined} entry @param {string} kind */
export function baseClass(entry, kind = "") {
  return ["wb-token", kind, entry?.[1] && "wb-special", entry?.[2] && "wb-bytes"].filter(Boolean).join(" ");
}

/** One token by itself. @param {Entry | undefined} entry @param {string} kind */
export function tokenElement(entry, kind = "") {
  const [text] = entry ?? ["⟨?⟩", 0];
  const parts = faceOf(text);
  const shown = parts.map((part) => part.text + (part.ends ? part.mark : "")).join("");
  return make("span", { class: baseClass(entry, kind), "data-mark": shown ? null : parts[0].mark || null }, shown);
}

/** The text to read: bytes of neighbours are joined to the characters they make, on the first of them; the others are empty.
 * @param {Record<string, Entry>} vocabulary @param {ArrayLike<number>} ids @returns {string[]} */
export function readingOf(vocabulary, ids) {
  const texts = Array.from(ids, (id) => vocabulary[id]?.[0] ?? "⟨?⟩");
  for (const { at, parts } of joinedRuns(vocabulary, ids)) {
    texts.fill("", at, at + parts.length);
    texts[at] = parts.join("");
  }
  return texts;
}

/** The text to see token by token: a character stands on the last of the tokens that make it, the others before it are empty;
 * undefined for a token that is shown as it is. @param {Record<string, Entry>} vocabulary @param {ArrayLike<number>} ids @returns {(string | undefined)[]} */
export function spellingOf(vocabulary, ids) {
  /** @type {(string | undefined)[]} */
  const texts = Array.from(ids, () => undefined);
  for (const { at, parts } of joinedRuns(vocabulary, ids)) parts.forEach((part, place) => { texts[at + place] = part; });
  return texts;
}

const STRICT = { fatal: true, ignoreBOM: true };
const MOST_BYTES = 32; // a run of bytes longer than this is no text

/** Runs of tokens whose bytes are whole characters only together: where each begins, and the characters that each of its tokens
 * completes. @param {Record<string, Entry>} vocabulary @param {ArrayLike<number>} ids */
function joinedRuns(vocabulary, ids) {
  const runs = [];
  for (let at = 0; at < ids.length; at += 1) {
    const parts = vocabulary[ids[at]]?.[2] ? joinBytes(vocabulary, ids, at) : null;
    if (!parts) continue;
    runs.push({ at, parts });
    at += parts.length - 1;
  }
  return runs;
}

/** The fewest tokens from `at` on whose bytes are whole characters, as the characters that each completes; null where there are none.
 * @param {Record<string, Entry>} vocabulary @param {ArrayLike<number>} ids @param {number} at */
function joinBytes(vocabulary, ids, at) {
  const stream = new TextDecoder("utf-8", STRICT);
  /** @type {number[]} */
  const bytes = [];
  const parts = [];
  for (let place = at; place < ids.length && bytes.length < MOST_BYTES; place += 1) {
    const held = vocabulary[ids[place]]?.[2]?.split(" ").map((pair) => parseInt(pair, 16));
    if (!held) return null;
    bytes.push(...held);
    try {
      parts.push(stream.decode(new Uint8Array(held), { stream: true }));
    } catch {
      return null; // no UTF-8: the bytes stay visible
    }
    if (isWhole(bytes)) return parts;
  }
  return null;
}

/** @param {number[]} bytes */
function isWhole(bytes) {
  try {
    new TextDecoder("utf-8", STRICT).decode(new Uint8Array(bytes));
    return true;
  } catch {
    return false;
  }
}
