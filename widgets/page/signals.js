/** What can be shown of a token, and how a number becomes a colour. */

export const LEVELS = 16;

/**
 * `signed`: two colours around zero; `amount`: one colour from zero up; `range`: one colour between its limits.
 * `value` is what is coloured, where it is not the number itself, `back` the way back. A word's or a line's number is
 * the mean of its tokens' (of what is coloured), or, where `sum` is set, their sum. `fixed`: limits that need no data.
 * @typedef {{ name: string, label: string, help: string, scale: "signed" | "amount" | "range", value?: (x: number) => number,
 *   back?: (x: number) => number, sum?: boolean, fixed?: Limits }} Signal
 * @typedef {{ low: number, high: number }} Limits in coloured numbers
 */

const negated = { value: (/** @type {number} */ x) => -x, back: (/** @type {number} */ x) => -x, sum: true };
const share = { low: 0, high: 1 };

/** @type {Record<string, Omit<Signal, "name">>} */
export const SIGNALS = {
  advantage: { label: "advantage", scale: "signed", help: "how much better than its group the rollout did; what the method multiplies each token with" },
  lens: { label: "lens", scale: "signed", sum: true, help: "the push the update gives the token's log-probability: −∂loss/∂logprob. Above zero: become likelier" },
  entropy: { label: "entropy", scale: "amount", help: "how undecided the model was before it wrote the token, in nats" },
  logprob: { label: "log-prob", scale: "amount", ...negated, help: "log-probability of the token in the update; the darker, the more surprising" },
  ratio: { label: "ratio", scale: "signed", value: (x) => Math.log(x), back: (x) => Math.exp(x), help: "new over old probability: exp(logprob − old_logprob); 1 means unchanged" },
  gap: { label: "gap", scale: "signed", help: "engine minus trainer log-probability of the same token: near zero if both compute the same model" },
  clipped: { label: "clipped", scale: "amount", fixed: share, help: "1 where the method pushes nothing although the token's advantage is not zero: its clip, or its own mask, left the token out" },
  kl: { label: "KL to reference", scale: "amount", sum: true, help: "exact divergence from the reference policy, in nats" },
  change: { label: "change by the step", scale: "signed", sum: true, help: "what the step did: log-probability after the update minus before; beside the lens, what was asked for" },
  token_reward: { label: "reward attribution", scale: "signed", sum: true, help: "the part of the reward that was given to this token" },
  posterior: { label: "chance to be right", scale: "amount", fixed: share, help: "of the whole rollout, as the pruner's head judged it at its last pause" },
  survival: { label: "survival", scale: "amount", fixed: share, help: "probability with which the pruner kept the whole rollout" },
  max_prob: { label: "max prob", scale: "amount", fixed: share, help: "probability of the likeliest token" },
  rank: { label: "rank", scale: "amount", value: (x) => Math.log1p(x), back: (x) => Math.expm1(x), help: "how many tokens were likelier than the one written; 0: it was the likeliest" },
  old_logprob: { label: "old log-prob", scale: "amount", ...negated, help: "log-probability under the policy that sampled, as the trainer computes it" },
  engine_logprob: { label: "engine log-prob", scale: "amount", ...negated, help: "log-probability as the engine computed it while sampling" },
  sampled_logprob: { label: "sampled log-prob", scale: "amount", ...negated, help: "log-probability under the distribution really drawn from, after top-p and top-k" },
  ref_logprob: { label: "reference log-prob", scale: "amount", ...negated, help: "log-probability under the reference policy" },
  after_logprob: { label: "log-prob after", scale: "amount", ...negated, help: "log-probability after the update" },
  nucleus_entropy: { label: "nucleus entropy", scale: "amount", help: "entropy of the likeliest tokens that hold 90 % of the probability" },
  collision: { label: "collision Σp²", scale: "amount", fixed: share, help: "the chance that two draws agree" },
  chosen_logit: { label: "logit", scale: "range", help: "raw logit of the token" },
  logsumexp: { label: "logsumexp", scale: "range", help: "log Σ exp(logit)" },
  mean_logit: { label: "mean logit", scale: "range", help: "mean logit over the vocabulary" },
};
export const FIRST = ["advantage", "lens", "entropy", "logprob", "ratio", "gap"];
export const MORE = ["clipped", "kl", "change", "token_reward", "posterior"]; // said to be missing where they are
export const LENS = "lens:"; // of another method, by its key

/** How a signal is shown; one that nobody described is signed if it goes below zero. @param {string} name @param {ArrayLike<number>} values @returns {Signal} */
export function signalOf(name, values = []) {
  if (SIGNALS[name]) return { name, ...SIGNALS[name] };
  if (name.startsWith(LENS)) {
    const key = name.slice(LENS.length);
    return { ...SIGNALS.lens, name, label: `lens of ${key}`, help: `what ${key} would tell the token` };
  }
  const below = Array.prototype.some.call(values, (value) => value < 0);
  return { name, label: name.replaceAll("_", " "), scale: below ? "signed" : "amount", help: "recorded column" };
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
