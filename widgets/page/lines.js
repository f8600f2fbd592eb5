/** Lays tokens into lines of one height, so that any line's place is known without drawing the others. */

/**
 * A token as it is laid: its parts, and the width of each in pixels.
 * @typedef {{ parts: import("./tokens.js").Part[], widths: number[], base: string }} Face
 * Lines of a passage. Part number n belongs to token `tokenOf[n]` and is its part `partOf[n]`; line r holds the parts
 * from `starts[r]` up to `starts[r + 1]`.
 * @typedef {{ tokenOf: Int32Array, partOf: Int32Array, starts: Int32Array, count: number }} Lines
 */

export const LINE = 27; // pixels, as `.wb-row` has it

/**
 * Lines no wider than `available`, broken between words where that is possible.
 * @param {number} count tokens
 * @param {(at: number) => Face} faceAt
 * @param {number} available pixels
 * @returns {Lines}
 */
export function layLines(count, faceAt, available) {
  /** @type {number[]} */
  const tokenOf = [];
  /** @type {number[]} */
  const partOf = [];
  const starts = [0];
  let x = 0;
  let word = { part: -1, x: 0 }; // where the last word of this line begins
  let open = false; // the part before ends in a space
  for (let at = 0; at < count; at += 1) {
    const face = faceAt(at);
    for (let number = 0; number < face.parts.length; number += 1) {
      const part = face.parts[number];
      const place = tokenOf.length;
      if (x > 0 && (open || part.text.startsWith(" "))) word = { part: place, x };
      if (x > 0 && x + face.widths[number] > available) {
        const whole = word.part > starts[starts.length - 1];
        starts.push(whole ? word.part : place);
        x = whole ? x - word.x : 0;
        word = { part: -1, x: 0 };
      }
      tokenOf.push(at);
      partOf.push(number);
      x += face.widths[number];
      open = part.text.endsWith(" ");
      if (!part.ends) continue;
      starts.push(tokenOf.length);
      x = 0;
      word = { part: -1, x: 0 };
    }
  }
  if (starts[starts.length - 1] !== tokenOf.length) starts.push(tokenOf.length);
  return { tokenOf: Int32Array.from(tokenOf), partOf: Int32Array.from(partOf), starts: Int32Array.from(starts), count: Math.max(0, starts.length - 1) };
}

/** The last place in a sorted array whose number is not above `wanted`. @param {ArrayLike<number>} sorted @param {number} wanted */
export function lastNotAbove(sorted, wanted) {
  let low = 0;
  let high = sorted.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (sorted[middle] <= wanted) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** The first part of a token. @param {Lines} lines @param {number} at */
export function firstPart(lines, at) {
  const part = lastNotAbove(lines.tokenOf, at);
  return part - lines.partOf[part];
}

/** The line in which a token begins. @param {Lines} lines @param {number} at */
export function lineOf(lines, at) {
  return Math.min(lines.count - 1, lastNotAbove(lines.starts, firstPart(lines, at)));
}

/** Distance of a token's first part from the left edge. @param {Lines} lines @param {(at: number) => Face} faceAt @param {number} at */
export function leftOf(lines, faceAt, at) {
  const part = firstPart(lines, at);
  let x = 0;
  for (let each = lines.starts[lineOf(lines, at)]; each < part; each += 1) x += faceAt(lines.tokenOf[each]).widths[lines.partOf[each]];
  return x;
}

/**
 * The token in another line that begins nearest to this one; null where there is no such line.
 * @param {Lines} lines @param {(at: number) => Face} faceAt @param {number} at @param {number} by lines down; above: negative
 */
export function tokenInLine(lines, faceAt, at, by) {
  const line = lineOf(lines, at) + by;
  if (line < 0 || line >= lines.count) return null;
  const wanted = leftOf(lines, faceAt, at);
  let best = { at: lines.tokenOf[lines.starts[line]], far: Infinity };
  let x = 0;
  for (let part = lines.starts[line]; part < lines.starts[line + 1]; part += 1) {
    const token = lines.tokenOf[part];
    const far = Math.abs(x - wanted);
    if (lines.partOf[part] === 0 && far < best.far) best = { at: token, far };
    x += faceAt(token).widths[lines.partOf[part]];
  }
  return best.at;
}
