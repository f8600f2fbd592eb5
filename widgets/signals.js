/** What can be shown of a token, and how a number becomes a colour. */

export const LEVELS = 16;

/**
 * `signed`: two colours around `centre`; `amount`: one colour from zero up; `range`: one colour between its limits.
 * `value` is what is coloured, where it is not the number itself.
 */
export const SIGNALS = {
  advantage: { label: "advantage", scale: "signed", help: "how much better than its group the rollout did; what the method multiplies each token with" },
  lens: { label: "lens", scale: "signed", help: "the push the update gives the token's log-probability: −∂loss/∂logprob. Above zero: become likelier" },
  entropy: { label: "entropy", scale: "amount", help: "how undecided the model was before it wrote the token, in nats" },
  logprob: { label: "log-prob", scale: "amount", value: (x) => -x, help: "log-probability of the token in the update; the darker, the more surprising" },
  ratio: { label: "ratio", scale: "signed", centre: 1, value: (x) => Math.log(x), back: (x) => Math.exp(x), help: "new over old probability: exp(logprob − old_logprob); 1 means unchanged" },
  gap: { label: "gap", scale: "signed", help: "engine minus trainer log-probability of the same token: near zero if both compute the same model" },
  kl: { label: "KL", scale: "amount", help: "exact divergence from the reference policy, in nats" },
  max_prob: { label: "max prob", scale: "amount", help: "probability of the likeliest token" },
  rank: { label: "rank", scale: "amount", value: (x) => Math.log1p(x), back: (x) => Math.expm1(x), help: "how many tokens were likelier than the one written; 0: it was the likeliest" },
  old_logprob: { label: "old log-prob", scale: "amount", value: (x) => -x, help: "log-probability under the policy that sampled, as the trainer computes it" },
  engine_logprob: { label: "engine log-prob", scale: "amount", value: (x) => -x, help: "log-probability as the engine computed it while sampling" },
  sampled_logprob: { label: "sampled log-prob", scale: "amount", value: (x) => -x, help: "log-probability under the distribution really drawn from, after top-p and top-k" },
  ref_logprob: { label: "reference log-prob", scale: "amount", value: (x) => -x, help: "log-probability under the reference policy" },
  nucleus_entropy: { label: "nucleus entropy", scale: "amount", help: "entropy of the likeliest tokens that hold 90 % of the probability" },
  collision: { label: "collision Σp²", scale: "amount", help: "the chance that two draws agree" },
  chosen_logit: { label: "logit", scale: "range", help: "raw logit of the token" },
  logsumexp: { label: "logsumexp", scale: "range", help: "log Σ exp(logit)" },
  mean_logit: { label: "mean logit", scale: "range", help: "mean logit over the vocabulary" },
};
export const FIRST = ["advantage", "lens", "entropy", "logprob", "ratio", "gap"];

/** How a signal is shown; one that nobody described is signed if it goes below zero. */
export function signalOf(name, values = []) {
  if (SIGNALS[name]) return { name, ...SIGNALS[name] };
  if (name.startsWith("lens:")) {
    return { ...SIGNALS.lens, name, label: `lens of ${name.slice(5)}`, help: `what ${name.slice(5)} would tell the token` };
  }
  const below = values.some((value) => value < 0);
  return { name, label: name.replaceAll("_", " "), scale: below ? "signed" : "amount", help: "recorded column" };
}

/** The number that is coloured. */
export function shade(signal, number) {
  return signal.value ? signal.value(number) : number;
}

/** Limits of the colours: robust, over the whole group. `{ low, high }` in shaded numbers, or null if all is missing. */
export function limitsOf(signal, values) {
  const shaded = Float64Array.from(values, (number) => shade(signal, number)).filter(Number.isFinite).sort();
  if (!shaded.length) return null;
  if (signal.scale === "range") return { low: quantile(shaded, 0.02), high: quantile(shaded, 0.98) };
  const sizes = shaded.map(Math.abs).sort();
  const high = quantile(sizes, 0.98) || sizes.at(-1);
  return signal.scale === "signed" ? { low: -high, high } : { low: 0, high };
}

/** Of sorted numbers, between neighbours. */
export function quantile(sorted, share) {
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}

/** The classes of a token's colour: sign and level; a missing number has a class of its own. */
export function paintOf(signal, limits, number) {
  if (!Number.isFinite(number) || !limits) return "wb-missing";
  const value = shade(signal, number);
  const span = signal.scale === "range" ? limits.high - limits.low : limits.high;
  if (!(span > 0)) return "wb-zero";
  const part = signal.scale === "range" ? (value - limits.low) / span : Math.abs(value) / span;
  const level = Math.max(0, Math.min(LEVELS, Math.round(part * LEVELS)));
  if (!level) return "wb-zero";
  const sign = signal.scale === "signed" ? (value > 0 ? "wb-up" : "wb-down") : "wb-amount";
  return `${sign} wb-l${level}`;
}

/** A number for people: three digits, a minus sign, no exponent where it reads well. */
export function show(number, digits = 3) {
  if (number === null || number === undefined || !Number.isFinite(number)) return "not recorded";
  if (number === 0) return "0";
  const size = Math.abs(number);
  const text = size >= 1e-3 && size < 1e5
    ? size.toPrecision(Math.max(digits, Math.ceil(Math.log10(size + 1e-9)))).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "")
    : size.toExponential(Math.max(0, digits - 2)).replace(/e([+-]?)(\d+)/, (_, sign, power) => `·10${raised((sign === "-" ? "−" : "") + power)}`);
  return (number < 0 ? "−" : "") + text;
}

function raised(text) {
  return [...text].map((mark) => (mark === "−" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(mark)])).join("");
}
