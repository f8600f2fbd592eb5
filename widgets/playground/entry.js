/** A method of the playground as a config table, and the positions of its fields on sliders. */

/**
 * @typedef {{ method: string, [slot: string]: any }} Entry
 * `path`: leads to a field: a slot, the index of a piece in it, fields. `plain`: a value written as JSON.
 * @typedef {{ path: (string | number)[], piece: string, name: string, label: string, help: string, value: any, usual: any,
 *   kind: "number" | "whole" | "switch" | "choice" | "piece" | "text" | "plain", optional: boolean, choices: any[],
 *   low: number, high: number, log: boolean, zero: boolean }} Field
 * @typedef {{ key: string, title: string, paper: string, equation: string, changes: string, slots: Record<string, any>, fields: Field[] }} Card
 */

export const STOPS = 200; // positions of a slider
const EMPTY = "none"; // a config's word for a field that is left out

/** The slider position of a number; the end for one that is not set. @param {Field} field @param {number | null} value */
export function placeOf(field, value) {
  const { low, high, log, zero } = field;
  if (value === null || !Number.isFinite(value)) return STOPS;
  if (zero && value < low) return 0;
  const part = log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
  return Math.max(0, Math.min(STOPS, Math.round(part * STOPS)));
}

/** The number at a slider position, with three digits. @param {Field} field @param {number} place */
export function valueAtPlace(field, place) {
  const { low, high, log, zero } = field;
  if (zero && place === 0) return 0;
  const part = place / STOPS;
  const value = log ? low * (high / low) ** part : low + part * (high - low);
  return field.kind === "whole" ? Math.round(value) : Number(value.toPrecision(3));
}

/** The typed value; text that is no number stays, so that the kernel reports the error. @param {Field} field @param {string} text */
export function parsed(field, text) {
  const word = text.trim();
  if (word === "" && field.optional) return null;
  const number = Number(word);
  return word !== "" && Number.isFinite(number) ? number : word;
}

/** The typed JSON; invalid text stays, so that the kernel reports the error. @param {Field} field @param {string} text */
export function readPlain(field, text) {
  if (text.trim() === "" && field.optional) return null;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** An entry with another value of a field. @param {Entry} entry @param {Card} card @param {Field} field @param {any} value @returns {Entry} */
export function withField(entry, card, { path, kind }, value) {
  const word = value === null ? EMPTY : kind === "piece" ? { piece: value } : value;
  const [slot, ...inside] = path;
  const [own, known] = [entry[slot], card.slots[slot]];
  if (!inside.length) return { ...entry, [slot]: word };
  if (Array.isArray(known)) return { ...entry, [slot]: placed(own === EMPTY ? [] : own ?? known, inside, word) };
  const lone = inside.length === 1; // then the method's own piece fills in the rest; inside a field nothing does
  return { ...entry, [slot]: placed(lone ? tabled(own) : { ...known, ...tabled(own) }, inside, word) };
}

/** A piece's table, which may be given by its name. @param {any} piece */
function tabled(piece) {
  return typeof piece === "string" ? { piece } : piece;
}

/** A table, or a list of them, with another value inside. @param {any} whole @param {(string | number)[]} path @param {any} word @returns {any} */
function placed(whole, [first, ...rest], word) {
  const value = rest.length ? placed(tabled(whole[first]), rest, word) : word;
  if (!Array.isArray(whole)) return { ...whole, [first]: value };
  return value === EMPTY ? whole.toSpliced(Number(first), 1) : whole.toSpliced(Number(first), 1, value);
}

/** Whether two entries are equal. @param {any} one @param {any} other */
export function alike(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}
