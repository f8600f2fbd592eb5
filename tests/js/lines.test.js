import assert from "node:assert/strict";
import { test } from "node:test";

import { firstPart, lastNotAbove, layLines, leftOf, lineOf, tokenInLine } from "../../widgets/page/lines.js";
import { faceOf } from "../../widgets/page/tokens.js";

/** Every character is one wide. */
function laid(texts, width) {
  const faces = texts.map((text) => {
    const parts = faceOf(text);
    return { parts, widths: parts.map((part) => part.text.length + part.mark.length), base: "" };
  });
  const faceAt = (at) => faces[at];
  return { faceAt, lines: layLines(texts.length, faceAt, width) };
}

/** What stands in each line. */
function shown({ lines, faceAt }) {
  return Array.from({ length: lines.count }, (_, line) => {
    let text = "";
    for (let part = lines.starts[line]; part < lines.starts[line + 1]; part += 1) text += faceAt(lines.tokenOf[part]).parts[lines.partOf[part]].text;
    return text;
  });
}

test("lines break between words, and inside a word only where it is longer than a line", () => {
  assert.deepEqual(shown(laid(["The", " sum", " is", " fif", "teen"], 12)), ["The sum is", " fifteen"]);
  assert.deepEqual(shown(laid(["abc", "def", "ghi"], 7)), ["abcdef", "ghi"]);
});

test("a line ends where the text has one; a token may stand in two lines", () => {
  const { lines, faceAt } = laid(["a.\n\n b", "c"], 20);
  assert.deepEqual(shown({ lines, faceAt }), ["a.", "", " bc"]);
  assert.equal(lineOf(lines, 0), 0);
  assert.equal(lineOf(lines, 1), 2);
  assert.equal(firstPart(lines, 1), 3);
});

test("a line that ends exactly at the last token is not followed by an empty one", () => {
  assert.deepEqual(shown(laid(["a", "\n"], 20)), ["a"]);
  assert.equal(laid([], 20).lines.count, 0);
});

test("no line is wider than there is room, whatever the text", () => {
  const texts = Array.from({ length: 400 }, (_, at) => ["a", " bc", "def", "\n", " ghij", "  "][(at * 7) % 6]);
  const { lines, faceAt } = laid(texts, 11);
  for (let line = 0; line < lines.count; line += 1) {
    let width = 0;
    for (let part = lines.starts[line]; part < lines.starts[line + 1]; part += 1) width += faceAt(lines.tokenOf[part]).widths[lines.partOf[part]];
    assert.ok(width <= 11);
    assert.ok(lines.starts[line + 1] > lines.starts[line]);
  }
  assert.equal(lines.starts.at(-1), lines.tokenOf.length);
});

test("up and down go to the token that begins nearest", () => {
  const { lines, faceAt } = laid(["aaaa", "bbbb", "\n", "cc", "dd", "ee", "\n", "f"], 40);
  assert.equal(leftOf(lines, faceAt, 1), 4);
  assert.equal(tokenInLine(lines, faceAt, 1, 1), 5);
  assert.equal(tokenInLine(lines, faceAt, 5, 1), 7);
  assert.equal(tokenInLine(lines, faceAt, 5, -1), 1);
  assert.equal(tokenInLine(lines, faceAt, 0, -1), null);
});

test("the last place not above", () => {
  assert.equal(lastNotAbove([0, 2, 4], 3), 1);
  assert.equal(lastNotAbove([0, 2, 4], 9), 2);
  assert.equal(lastNotAbove([0], 0), 0);
});
