/** The card of one token: what it is, how likely it was, what else could have been written, every recorded number. */

import { make } from "./dom.js";
import { FIRST, paintOf, show, signalOf } from "./signals.js";
import { tokenElement } from "./tokens.js";

const TOP = 5;

/**
 * @param group payload of a group
 * @param rollout one of its rollouts
 * @param {number} at position of the token in the rollout
 * @param look the signal that is shown, and its limits
 */
export function tokenCard(group, rollout, at, look) {
  const place = rollout.start + at;
  const id = group.columns.tokens[place];
  const entry = group.vocabulary[id] ?? ["⟨?⟩", 0];
  const paint = paintOf(look.signal, look.limits, valueAt(group, look.signal.name, place));
  return make("div", { class: "wb-card" },
    make("div", { class: "wb-card-head" },
      make("span", { class: `wb-card-token ${paint}` }, tokenElement(entry)),
      make("span", { class: "wb-muted" }, `rollout ${rollout.rollout} · token ${at + 1} of ${rollout.length} · id ${id}`),
      entry[2] ? make("span", { class: "wb-muted" }, `bytes ${entry[2]}`) : null,
      entry[1] ? make("span", { class: "wb-badge" }, "special") : null,
      group.columns.trained[place] ? null : make("span", { class: "wb-badge" }, "not trained")),
    make("div", { class: "wb-card-chance" }, chance(group, place)),
    alternatives(group, place),
    numbers(group, place, look.signal.name));
}

/** A recorded number of a token; nan where there is none. */
export function valueAt(group, name, place) {
  const values = group.columns[name];
  return values ? values[place] : NaN;
}

/** Probability and rank in words. */
function chance(group, place) {
  const logprob = valueAt(group, "logprob", place);
  const rank = valueAt(group, "rank", place);
  const told = Number.isFinite(logprob) ? `probability ${percent(Math.exp(logprob))}` : "probability not recorded";
  if (!Number.isFinite(rank)) return told;
  return `${told} · ${rank < 0.5 ? "the likeliest token" : `${Math.round(rank)} likelier`}`;
}

export function percent(share) {
  if (!Number.isFinite(share)) return "not recorded";
  if (share > 0 && share < 0.0001) return "< 0.01 %";
  if (share < 1 && share > 0.9999) return "> 99.99 %";
  return `${(share * 100).toFixed(share < 0.1 ? 2 : 1)} %`;
}

/** The likeliest tokens with bars; the written one is marked, and stands last where it is not among them. */
function alternatives(group, place) {
  const { top_ids: ids, top_probs: probs, tokens } = group.columns;
  if (!ids || ids[place * TOP] < 0) return make("p", { class: "wb-muted" }, "alternatives were not recorded");
  const rows = [];
  for (let k = 0; k < TOP; k += 1) rows.push([ids[place * TOP + k], probs[place * TOP + k]]);
  if (!rows.some(([id]) => id === tokens[place])) {
    rows.push([tokens[place], Math.exp(valueAt(group, "logprob", place))]);
  }
  return make("div", { class: "wb-tops", role: "list", "aria-label": "likeliest tokens" },
    rows.map(([id, share]) => alternative(group, id, share, id === tokens[place])));
}

function alternative(group, id, share, written) {
  const width = Math.max(1, Math.min(100, 100 * (share || 0)));
  return make("div", { class: written ? "wb-top wb-written" : "wb-top", role: "listitem" },
    make("span", { class: "wb-top-token" }, tokenElement(group.vocabulary[id])),
    make("span", { class: "wb-bar" }, make("span", { style: `width:${width}%` })),
    make("span", { class: "wb-number" }, percent(share)),
    make("span", { class: "wb-top-mark" }, written ? "◂ written" : ""));
}

/** Every recorded signal; the one that is shown stands out. Of other methods' lenses only the one that is shown. */
function numbers(group, place, current) {
  const rest = group.signals.filter((name) => !FIRST.includes(name) && (name === current || !name.startsWith("lens:")));
  const cells = [...FIRST, ...rest].map((name) => {
    const value = valueAt(group, name, place);
    const known = Number.isFinite(value);
    return make("div", { class: name === current ? "wb-fact wb-current" : "wb-fact" },
      make("span", {}, signalOf(name).label),
      make("span", { class: known ? "wb-number" : "wb-number wb-absent" }, known ? show(value) : "not recorded"));
  });
  return make("div", { class: "wb-facts" }, cells);
}

/** One sentence for a screen reader. */
export function describeToken(group, rollout, at, signal) {
  const place = rollout.start + at;
  const [text, special] = group.vocabulary[group.columns.tokens[place]] ?? ["?", 0];
  const value = show(valueAt(group, signal.name, place));
  return `${special ? "special token " : ""}${JSON.stringify(text)}, ${signal.label} ${value}, ${chance(group, place)}`;
}
