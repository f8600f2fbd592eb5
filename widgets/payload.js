/** Reads what `payload.py` packs: a JSON header, then typed columns. */

const TYPES = { f4: Float32Array, i4: Int32Array, u1: Uint8Array };

/**
 * @param {ArrayBuffer | DataView | Uint8Array} given
 * @returns the header, with `columns` as typed arrays by name
 */
export function unpack(given) {
  const bytes = given instanceof ArrayBuffer
    ? new Uint8Array(given)
    : new Uint8Array(given.buffer, given.byteOffset, given.byteLength);
  const own = bytes.slice(); // the columns need a buffer of their own that starts on a multiple of four
  const size = new DataView(own.buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(own.subarray(4, 4 + size)));
  const columns = {};
  for (const [name, entry] of Object.entries(header.columns)) {
    columns[name] = new TYPES[entry.type](own.buffer, 4 + size + entry.offset, entry.length);
  }
  return { ...header, columns };
}

/** A payload that lies in the page as gzip in base64. */
export async function inflate(base64) {
  const packed = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return unpack(await new Response(stream).arrayBuffer());
}
