/** The per-token signals: how each number becomes a colour. Names and meanings come with the payload. */

export const LEVELS = 16;

/**
 * Scales. `signed`: two colours around zero; `amount`: one colour from zero up; `range`: one colour between its limits.
 * `value` is what is coloured, where it is not the number itself, `back` the way back. A word's or a line's number is
 * the mean of its tokens' (of what is coloured), or, where `sum` is set, their sum. `fixed`: limits that need no data.
 * @typedef {{ scale: "signed" | "amount" | "range", value?: (x: number) => number, back?: (x: number) => number, sum?: boolean, fixed?: Limits }} Drawing
 * What a number means, as the kernel describes it: `workbench/descriptions.py`.
 * @typedef {{ label: string, unit: string, help: string }} Description
 * @typedef {Drawing & Description & { name: string }} Signal
 * @typedef {{ low: number, high: number }} Limits in coloured numbers
 */

const share = { low: 0, high: 1 };
/** @type {Drawing} the more negative, the darker */
const surprise = { scale: "amount", value: (x) => -x, back: (x) => -x, sum: true };

/** How signals are drawn; one that is not named here is `signed` if it goes below zero, else an `amount`. @type {Record<string, Drawing>} */
const DRAWINGS = {
  advantage: { scale: "signed" },
  lens: { scale: "signed", sum: true },
  ratio: { scale: "signed", value: (x) => Math.log(x), back: (x) => Math.exp(x) },
  gap: { scale: "signed" },
  clipped: { scale: "amount", fixed: share },
  kl: { scale: "amount", sum: true },
  change: { scale: "signed", sum: true },
  token_reward: { scale: "signed", sum: true },
  posterior: { scale: "amount", fixed: share },
  survival: { scale: "amount", fixed: share },
  max_prob: { scale: "amount", fixed: share },
  collision: { scale: "amount", fixed: share },
  rank: { scale: "amount", value: (x) => Math.log1p(x), back: (x) => Math.expm1(x) },
  chosen_logit: { scale: "range" },
  logsumexp: { scale: "range" },
  mean_logit: { scale: "range" },
};
export const FIRST = ["advantage", "lens", "entropy", "logprob", "ratio", "gap"];
export const MORE = ["clipped", "kl", "change", "token_reward", "posterior"]; // said to be missing where they are
export const LENS = "lens:"; // of another method, by its key

/** @type {Map<string, Description>} of every signal that a payload has described */
const described = new Map();

/** Takes over the descriptions of a payload. @param {Record<string, Description>} descriptions */
export function describeSignals(descriptions) {
  for (const [name, texts] of Object.entries(descriptions)) described.set(name, texts);
}

/** @param {string} name @returns {Description} */
function descriptionOf(name) {
  return described.get(name) ?? { label: name.replaceAll("_", " ").replaceAll("logprob", "log-prob"), unit: "", help: "" };
}

/** @param {string} name @param {ArrayLike<number>} values @returns {Drawing} */
function drawingOf(name, values) {
  if (Object.hasOwn(DRAWINGS, name)) return DRAWINGS[name];
  if (name.endsWith("logprob")) return surprise;
  return { scale: Array.prototype.some.call(values, (value) => value < 0) ? "signed" : "amount" };
}

/** @type {Map<string, string>} titles of methods, by key */
const titles = new Map();

/** Takes over the titles of methods, for the names of their lenses. @param {{ key: string, title: string }[]} methods */
export function nameMethods(methods) {
  for (const { key, title } of methods) titles.set(key, title);
}

/** How a signal is named, explained and drawn. @param {string} name @param {ArrayLike<number>} values @returns {Signal} */
export function signalOf(name, values = []) {
  if (name.startsWith(LENS)) return { ...descriptionOf("lens"), ...DRAWINGS.lens, name, label: `lens of ${titles.get(name.slice(LENS.length)) ?? name.slice(LENS.length)}` };
  return { ...descriptionOf(name), ...drawingOf(name, values), name };
}

/** Help with the unit, as a tooltip. @param {Signal} signal */
export function helpOf({ help, unit }) {
  return [help, unit && `[${unit}]`].filter(Boolean).join(" ");
}

/** Signals in the order of the menus: the first ones, then all others. @param {string[]} known */
export function ordered(known) {
  return [...FIRST, ...MORE, ...known.filter((name) => !FIRST.includes(name) && !MORE.includes(name))].filter((name) => known.includes(name));
}

/** The number that is coloured. @param {Signal} signal @param {number} number */
export function shade(signal, number) {
  return signal.value ? signal.value(number) : number;
}

/** A coloured number as the signal's own. @param {Signal} signal @param {number} number */
export function unshade(signal, number) {
  return signal.back ? signal.back(number) : number;
}

/** Limits of the colours: robust, over all these numbers; null if all are missing. @param {Signal} signal @param {ArrayLike<number>} values @returns {Limits | null} */
export function limitsOf(signal, values) {
  const shaded = new Float64Array(values.length);
  let known = 0;
  for (let place = 0; place < values.length; place += 1) {
    const number = shade(signal, values[place]);
    if (Number.isFinite(number)) shaded[known++] = number;
  }
  if (!known) return null;
  if (signal.fixed) return signal.fixed;
  const sorted = shaded.subarray(0, known);
  if (signal.scale === "range") {
    sorted.sort();
    return { low: quantile(sorted, 0.02), high: quantile(sorted, 0.98) };
  }
  for (let place = 0; place < known; place += 1) sorted[place] = Math.abs(sorted[place]);
  sorted.sort();
  const high = quantile(sorted, 0.98) || sorted[known - 1];
  return signal.scale === "signed" ? { low: -high, high } : { low: 0, high };
}

/** Of sorted numbers, between neighbours. @param {ArrayLike<number>} sorted @param {number} part */
export function quantile(sorted, part) {
  const place = part * (sorted.length - 1);
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}

export const MISSING = 255;
export const IDLE = 254; // nothing is to be shown of the token

/** Sign and level of a number's colour as one small number: 0 for none, 1 to 16 up, -1 to -16 down; MISSING. @param {Signal} signal @param {Limits | null} limits @param {number} number */
export function levelOf(signal, limits, number) {
  if (!Number.isFinite(number) || !limits) return MISSING;
  const value = shade(signal, number);
  const ranged = signal.scale === "range";
  const span = ranged ? limits.high - limits.low : limits.high;
  if (!(span > 0)) return 0;
  const part = (ranged ? value - limits.low : signal.scale === "signed" ? Math.abs(value) : value) / span;
  const level = Math.max(0, Math.min(LEVELS, Math.round(part * LEVELS)));
  return signal.scale === "signed" && value < 0 ? -level : level;
}

/** The classes of a colour. @param {Signal} signal @param {number} level as `levelOf` answers it */
export function paintClass(signal, level) {
  if (level === MISSING) return "wb-missing";
  if (level === IDLE) return "";
  if (!level) return "wb-zero";
  const sign = signal.scale !== "signed" ? "wb-amount" : level > 0 ? "wb-up" : "wb-down";
  return `${sign} wb-l${Math.abs(level)}`;
}

/** The classes of a token's colour: sign and level; a missing number has a class of its own. @param {Signal} signal @param {Limits | null} limits @param {number} number */
export function paintOf(signal, limits, number) {
  return paintClass(signal, levelOf(signal, limits, number));
}

/** A number for people: three digits, a minus sign, no exponent where it reads well. @param {number | null | undefined} number */
export function show(number, digits = 3) {
  if (number === null || number === undefined || !Number.isFinite(number)) return "not recorded";
  if (number === 0) return "0";
  const size = Math.abs(number);
  const text = size >= 1e-3 && size < 1e5
    ? size.toPrecision(Math.max(digits, Math.ceil(Math.log10(size + 1e-9)))).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "")
    : size.toExponential(Math.max(0, digits - 2)).replace(/e([+-]?)(\d+)/, (_, sign, power) => `·10${raised((sign === "-" ? "−" : "") + power)}`);
  return (number < 0 ? "−" : "") + text;
}

/** @param {string} text */
function raised(text) {
  return [...text].map((mark) => (mark === "−" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(mark)])).join("");
}
