/** Reads what `payload.py` packs: a JSON header, then typed columns. */

/**
 * A rollout of a group: `start` and `length` say which places of the columns are its own.
 * @typedef {{ rollout: number, start: number, length: number, prompt: number, reward: number | null, correct: number | null,
 *   finish: string, problem: string, pruned_at?: number | null, excluded?: string | null, answer?: string | null, tag?: string, round?: number,
 *   source?: string | null, role?: string | null, parent?: number | null,
 *   shaping?: number | null, shaped_by?: string[],
 *   parts?: { name: string, value: number | null, weight?: number | null, late?: boolean, reason?: string | null, extracted?: string | null }[] } & Record<string, any>} Rollout
 * A group's payload; columns run over all tokens of all rollouts.
 * @typedef {{ kind: string, step: number, group: number, rollouts: Rollout[], prompts: number[][], signals: string[],
 *   described?: Record<string, import("../page/signals.js").Description>,
 *   vocabulary: Record<string, import("../page/tokens.js").Entry>, columns: Record<string, any> }} Group
 * The outcome of a rollout: its number, reward, correct, finish, and the rollout that it was made from, where there is one.
 * @typedef {[number, number | null, number | null, string, (number | null)?]} Outcome
 * A line of a board; `role` is missing where the problem is solved. `excluded`: why the update used none of its rollouts,
 * `again`: whether they were scored again after it, where that is said.
 * @typedef {{ group: number, problem: string, question: string, role?: string, source?: string, tag?: string, rollouts: Outcome[], excluded?: string | null, again?: boolean }} BoardEntry
 * Groups that the update excluded come last; `filters`: the names of the method's filters; `effect`: whether anything was
 * recorded of what the step changed, undefined where that is not known.
 * @typedef {{ kind: string, step: number, groups: BoardEntry[], filters?: string[], effect?: boolean }} BoardPayload
 */

/** @type {Record<string, Float32ArrayConstructor | Int32ArrayConstructor | Uint8ArrayConstructor>} */
const TYPES = { f4: Float32Array, i4: Int32Array, u1: Uint8Array };

/**
 * @param {ArrayBuffer | DataView | Uint8Array} given
 * @returns {any} the header, with `columns` as typed arrays by name
 */
export function unpack(given) {
  const bytes = given instanceof ArrayBuffer
    ? new Uint8Array(given)
    : new Uint8Array(given.buffer, given.byteOffset, given.byteLength);
  const own = bytes.slice(); // the columns need a buffer of their own that starts on a multiple of four
  const size = new DataView(own.buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(own.subarray(4, 4 + size)));
  /** @type {Record<string, Float32Array | Int32Array | Uint8Array>} */
  const columns = {};
  for (const [name, entry] of Object.entries(header.columns)) {
    columns[name] = new TYPES[entry.type](own.buffer, 4 + size + entry.offset, entry.length);
  }
  return { ...header, columns };
}

/** A payload that lies in the page as gzip in base64. @param {string} base64 */
export async function inflate(base64) {
  const letters = atob(base64);
  const packed = new Uint8Array(letters.length);
  for (let place = 0; place < letters.length; place += 1) packed[place] = letters.charCodeAt(place); // ten times faster than `from`
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return unpack(await new Response(stream).arrayBuffer());
}
