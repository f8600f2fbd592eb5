/** Units of text that share a colour: token, word, sentence, line; a unit's number is the mean or the sum over its tokens. */

export const GROUPINGS = ["token", "word", "sentence", "line"];
const LETTER = /[\p{L}\p{N}\p{M}_]/u;
const STOP = /[.!?…。！？]["'”’)\]]*\s*$/u;

/**
 * For every token of a rollout the first token of its unit.
 * @param {string[]} texts to read, one a token; empty: belongs to the one before
 * @param {string} grouping one of `GROUPINGS`
 * @returns {Int32Array}
 */
export function unitsOf(texts, grouping) {
  if (grouping === "token") return Int32Array.from(texts, (_, at) => at);
  const first = new Int32Array(texts.length);
  let before = texts[0];
  for (let at = 1; at < texts.length; at += 1) {
    const opens = texts[at] !== "" && OPENS[grouping](before, texts[at]);
    first[at] = opens ? at : first[at - 1];
    before = texts[at] || before;
  }
  return first;
}

/** Whether a unit begins at a token, by its text and that of the one before. @type {Record<string, (before: string, text: string) => boolean>} */
const OPENS = {
  word: (before, text) => !(LETTER.test(lastLetter(before)) && LETTER.test(firstLetter(text))),
  sentence: (before, text) => before.includes("\n") || (STOP.test(before) && (/^\s/.test(text) || /\s$/.test(before))),
  line: (before) => before.includes("\n"),
};

/** @param {string} text */
function firstLetter(text) {
  return String.fromCodePoint(text.codePointAt(0) ?? 32);
}

/** @param {string} text */
function lastLetter(text) {
  return [...text.slice(-2)].at(-1) ?? " ";
}

/**
 * The number of every unit, at each of its tokens; nan where none of them has one.
 * @param {ArrayLike<number>} values @param {Int32Array} first @param {"mean" | "sum"} by
 * @param {(value: number) => number} [into] mean of what, if not of the numbers themselves
 * @param {(value: number) => number} [back]
 */
export function unitValues(values, first, by, into = (x) => x, back = (x) => x) {
  const found = new Float32Array(values.length);
  for (let from = 0; from < found.length;) {
    let to = from;
    let sum = 0;
    let known = 0;
    for (; to < found.length && first[to] === first[from]; to += 1) {
      if (!Number.isFinite(values[to])) continue;
      sum += into(values[to]);
      known += 1;
    }
    found.fill(known ? back(by === "sum" ? sum : sum / known) : NaN, from, to);
    from = to;
  }
  return found;
}
