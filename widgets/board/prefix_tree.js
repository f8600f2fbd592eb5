/** The prefix tree of a group: the tokens that its rollouts share, and where they diverge. */

/**
 * A piece of text that all `members` (numbers of sequences) share: their tokens from `from` up to `to`. `folded`: the
 * number of continuations that are not drawn separately.
 * @typedef {{ from: number, to: number, members: number[], children: Branch[], folded: number }} Branch
 */

export const DEEPEST = 24; // divergence points below each other
export const WIDEST = 12; // branches of one divergence point

/** @param {ArrayLike<number>[]} sequences @param {{ deepest?: number, widest?: number }} bounds @returns {Branch} */
export function prefixTree(sequences, { deepest = DEEPEST, widest = WIDEST } = {}) {
  return grow(sequences, sequences.map((_, member) => member), 0, { deepest, widest });
}

/** @param {ArrayLike<number>[]} sequences @param {number[]} members @param {number} from @param {{ deepest: number, widest: number }} bounds @returns {Branch} */
function grow(sequences, members, from, { deepest, widest }) {
  const to = sharedEnd(sequences, members, from);
  const ways = waysOn(sequences, members, to);
  if (ways.length < 2) return { from, to, members, children: [], folded: 0 };
  if (deepest < 1) return { from, to, members, children: [], folded: ways.length };
  const drawn = ways.length > widest ? ways.slice(0, widest - 1) : ways;
  const children = drawn.map((way) => grow(sequences, way, to, { deepest: deepest - 1, widest }));
  const rest = ways.slice(drawn.length);
  if (rest.length) children.push({ from: to, to, members: rest.flat(), children: [], folded: rest.length });
  return { from, to, members, children, folded: 0 };
}

/** Up to where all members have the same tokens. @param {ArrayLike<number>[]} sequences @param {number[]} members @param {number} from */
function sharedEnd(sequences, members, from) {
  const [first, ...others] = members.map((member) => sequences[member]);
  let to = from;
  while (to < first.length && others.every((other) => other[to] === first[to])) to += 1; // beyond its end it is undefined
  return to;
}

/** Members by their next token, the largest part first; those that end here are one part.
 * @param {ArrayLike<number>[]} sequences @param {number[]} members @param {number} at @returns {number[][]} */
function waysOn(sequences, members, at) {
  /** @type {Map<number, number[]>} */
  const ways = new Map();
  for (const member of members) {
    const token = at < sequences[member].length ? sequences[member][at] : -1;
    ways.set(token, [...(ways.get(token) ?? []), member]);
  }
  return [...ways.values()].sort((one, other) => other.length - one.length || one[0] - other[0]);
}

/** Mean of what is known; nan where nothing is. @param {(number | null)[]} rewards */
export function meanKnown(rewards) {
  const known = rewards.filter((reward) => reward !== null);
  return known.reduce((sum, reward) => sum + reward, 0) / known.length;
}

/** A branch and all below it. @param {Branch} branch @returns {Branch[]} */
export function everyBranch(branch) {
  return [branch, ...branch.children.flatMap(everyBranch)];
}
