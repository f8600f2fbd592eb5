/** A method of the playground as a config's table, and its fields on sliders: what stands where. */

/**
 * @typedef {{ method: string, [slot: string]: any }} Entry
 * @typedef {{ slot: string, number: number | null, piece: string, name: string, label: string, help: string, value: any, usual: any,
 *   kind: "number" | "whole" | "switch" | "choice", optional: boolean, choices: any[], low: number, high: number, log: boolean, zero: boolean }} Field
 * @typedef {{ key: string, title: string, paper: string, equation: string, changes: string, slots: Record<string, any>, fields: Field[] }} Card
 */

export const STOPS = 200; // places of a slider
const EMPTY = "none"; // a config's word for a field that is left out

/** Where a number stands on its slider; one that is not set stands at the end. @param {Field} field @param {number | null} value */
export function placeOf(field, value) {
  const { low, high, log, zero } = field;
  if (value === null || !Number.isFinite(value)) return STOPS;
  if (zero && value < low) return 0;
  const part = log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
  return Math.max(0, Math.min(STOPS, Math.round(part * STOPS)));
}

/** The number at a place, in three digits. @param {Field} field @param {number} place */
export function valueAtPlace(field, place) {
  const { low, high, log, zero } = field;
  if (zero && place === 0) return 0;
  const part = place / STOPS;
  const value = log ? low * (high / low) ** part : low + part * (high - low);
  return field.kind === "whole" ? Math.round(value) : Number(value.toPrecision(3));
}

/** What was typed, as the field has it; text that is no number stays, so that the kernel says what is wrong. @param {Field} field @param {string} text */
export function parsed(field, text) {
  const word = text.trim();
  if (word === "" && field.optional) return null;
  const number = Number(word);
  return word !== "" && Number.isFinite(number) ? number : word;
}

/** An entry with another value of a field. @param {Entry} entry @param {Card} card @param {Field} field @param {any} value @returns {Entry} */
export function withField(entry, card, field, value) {
  const word = value === null ? EMPTY : value;
  const { slot, number, name } = field;
  if (number === null) {
    const own = typeof entry[slot] === "string" ? { piece: entry[slot] } : entry[slot];
    return { ...entry, [slot]: { ...own, [name]: word } };
  }
  const pieces = /** @type {any[]} */ (entry[slot] ?? card.slots[slot]);
  return { ...entry, [slot]: pieces.map((piece, at) => (at !== number ? piece : { ...(typeof piece === "string" ? { piece } : piece), [name]: word })) };
}

/** Whether two entries ask for the same. @param {any} one @param {any} other */
export function alike(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}
