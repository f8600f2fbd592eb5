/** The card of one token: text, probability, alternatives, and every recorded number. */

import { make } from "../page/dom.js";
import { howUnited } from "./shades.js";
import { FIRST, LENS, MORE, helpOf, paintOf, show, signalOf } from "../page/signals.js";
import { tokenElement, visible } from "../page/tokens.js";

/**
 * @typedef {import("./pane.js").Place} Place
 * @typedef {import("../wire/payload.js").Group} Group
 * Actions of a pinned card: choose another token of its unit, branch with another token.
 * @typedef {{ choose?: (at: number) => void, branch?: (id: number) => void }} Actions
 */

const TOP = 5;
const MOST_OF_UNIT = 24; // tokens of a unit that are listed

/** @param {Place} place @param {Actions} actions */
export function tokenCard(place, actions = {}) {
  const { pane, rollout, at } = place;
  const { group, look } = pane;
  const where = rollout.start + at;
  const id = group.columns.tokens[where];
  const entry = group.vocabulary[id] ?? ["⟨?⟩", 0];
  const paint = paintOf(look.signal, look.limits, valueAt(group, look.signal.name, where));
  return make("div", { class: "wb-card" },
    look.grouping === "token" ? null : unitPart(place, actions),
    make("div", { class: "wb-card-head" },
      make("span", { class: `wb-card-token ${paint}` }, tokenElement(entry)),
      make("span", { class: "wb-muted" }, `rollout ${rollout.rollout} · token ${at + 1} of ${rollout.length} · id ${id}`),
      entry[2] ? make("span", { class: "wb-muted" }, bytesText(place, entry[2])) : null,
      entry[1] ? make("span", { class: "wb-badge" }, "special") : null,
      group.columns.trained[where] ? null : make("span", { class: "wb-badge" }, "not trained")),
    make("div", { class: "wb-card-chance" }, chance(group, where)),
    alternatives(group, where, actions),
    numbers(group, where, look.signal.name));
}

/** A recorded number of a token; nan where there is none. @param {Group} group @param {string} name @param {number} place @returns {number} */
export function valueAt(group, name, place) {
  const values = group.columns[name];
  return values ? values[place] : NaN;
}

/** The bytes of a token, and the character they are a part of. @param {Place} place @param {string} bytes */
function bytesText({ pane, rollout, at }, bytes) {
  const { texts } = pane.shades;
  let from = rollout.start + at;
  while (from > rollout.start && texts[from] === "") from -= 1;
  const whole = !texts[from].startsWith("⟨") && texts[from] !== "";
  return `bytes ${bytes.toUpperCase()}${whole ? `, of ${JSON.stringify(texts[from])}` : ", not valid UTF-8"}`;
}

/** The unit a token belongs to, with the numbers of its tokens. @param {Place} place @param {Actions} actions */
function unitPart({ pane, rollout, at }, actions) {
  const { group, shades, look } = pane;
  const { from, to } = shades.unitAt(look.grouping, rollout.start + at);
  const values = shades.values(look.signal.name, look.grouping);
  const number = values ? values[from] : NaN;
  const rows = [];
  for (let place = from; place < Math.min(to, from + MOST_OF_UNIT); place += 1) rows.push(unitRow(group, place, place === rollout.start + at, look, actions, rollout.start));
  const rest = to - from - rows.length;
  return make("div", { class: "wb-unit" },
    make("div", { class: "wb-card-head" },
      make("span", { class: `wb-card-token ${paintOf(look.signal, look.limits, number)}` }, visible(shades.texts.slice(from, to).join("").trim()).replaceAll("\n", "⏎")),
      make("span", { class: "wb-muted" }, `${look.grouping} of ${to - from} token${to - from === 1 ? "" : "s"}`)),
    make("div", { class: "wb-card-chance" }, `${look.signal.label}, ${howUnited(look.signal)}: ${show(number)}`),
    to - from > 1 ? make("div", { class: "wb-unit-rows" }, rows, rest > 0 ? make("span", { class: "wb-muted" }, `and ${rest} more`) : null) : null);
}

/** @param {Group} group @param {number} place @param {boolean} current @param {import("./pane.js").Look} look @param {Actions} actions @param {number} start */
function unitRow(group, place, current, look, actions, start) {
  const value = valueAt(group, look.signal.name, place);
  const { choose } = actions;
  return make(choose ? "button" : "span", { class: current ? "wb-unit-row wb-current" : "wb-unit-row", type: choose ? "button" : null, click: choose ? () => choose(place - start) : null },
    make("span", { class: `wb-unit-token ${paintOf(look.signal, look.limits, value)}` }, tokenElement(group.vocabulary[group.columns.tokens[place]])),
    make("span", { class: "wb-number" }, Number.isFinite(value) ? show(value, 2) : "–"));
}

/** Probability and rank in words. @param {Group} group @param {number} place */
function chance(group, place) {
  const [logprob, engine] = [valueAt(group, "logprob", place), valueAt(group, "engine_logprob", place)];
  const rank = valueAt(group, "rank", place);
  const by = Number.isFinite(engine) ? `probability ${percent(Math.exp(engine))} (by the engine)` : "probability not recorded";
  const text = Number.isFinite(logprob) ? `probability ${percent(Math.exp(logprob))}` : by;
  if (!Number.isFinite(rank)) return text;
  return `${text} · ${rankText(Math.round(rank))}`;
}

/** @param {number} above how many tokens are more likely */
export function rankText(above) {
  return above ? `${above.toLocaleString("en")} token${above === 1 ? "" : "s"} more likely` : "the most likely token";
}

/** @param {number} share */
export function percent(share) {
  if (!Number.isFinite(share)) return "not recorded";
  if (share > 0 && share < 0.0001) return "< 0.01 %";
  if (share < 1 && share > 0.9999) return "> 99.99 %";
  return `${(share * 100).toFixed(share < 0.1 ? 2 : 1)} %`;
}

/** The most likely tokens with bars; the sampled one is marked, and comes last where it is not among them.
 * @param {Group} group @param {number} place @param {Actions} actions */
function alternatives(group, place, actions) {
  const { top_ids: ids, top_probs: probs, tokens } = group.columns;
  if (!ids || ids[place * TOP] < 0) return make("p", { class: "wb-muted" }, "alternatives not recorded");
  const rows = [];
  for (let k = 0; k < TOP; k += 1) rows.push([ids[place * TOP + k], probs[place * TOP + k]]);
  if (!rows.some(([id]) => id === tokens[place])) {
    rows.push([tokens[place], Math.exp(valueAt(group, "logprob", place))]);
  }
  return make("div", { class: "wb-tops", role: "list", "aria-label": "most likely tokens" },
    rows.map(([id, share]) => alternative(group, id, share, id === tokens[place], actions)),
    actions.branch ? make("p", { class: "wb-muted wb-hint" }, "choose another token to let the model continue from it") : null);
}

/** @param {Group} group @param {number} id @param {number} share @param {boolean} sampled @param {Actions} actions */
function alternative(group, id, share, sampled, { branch }) {
  const width = Math.max(1, Math.min(100, 100 * (share || 0)));
  const parts = [
    make("span", { class: "wb-top-token" }, tokenElement(group.vocabulary[id])),
    make("span", { class: "wb-bar" }, make("span", { style: `width:${width}%` })),
    make("span", { class: "wb-number" }, percent(share)),
    make("span", { class: "wb-top-mark" }, sampled ? "◂ sampled" : branch ? "branch ▸" : "")];
  const name = sampled ? "wb-top wb-sampled" : "wb-top";
  if (!branch || sampled) return make("div", { class: name, role: "listitem" }, parts);
  return make("div", { role: "listitem" }, make("button", { class: name, type: "button", title: "continue from this token instead", click: () => branch(id) }, parts));
}

/** Every recorded signal; the one that is shown stands out. Of other methods' lenses only the one that is shown.
 * @param {Group} group @param {number} place @param {string} current */
function numbers(group, place, current) {
  const rest = group.signals.filter((name) => !FIRST.includes(name) && !MORE.includes(name) && (name === current || !name.startsWith(LENS)));
  const absent = MORE.filter((name) => !group.signals.includes(name));
  const shown = [...FIRST, ...MORE.filter((name) => group.signals.includes(name)), ...rest];
  const cells = shown.map((name) => {
    const value = valueAt(group, name, place);
    const known = Number.isFinite(value);
    return make("div", { class: name === current ? "wb-fact wb-current" : "wb-fact" },
      make("span", { title: helpOf(signalOf(name)) }, signalOf(name).label),
      make("span", { class: known ? "wb-number" : "wb-number wb-absent" }, known ? show(value) : "not recorded"));
  });
  return make("div", { class: "wb-facts" }, cells,
    absent.length ? make("p", { class: "wb-missing-list" }, `not recorded: ${absent.map((name) => signalOf(name).label).join(", ")}`) : null);
}

/** One sentence for a screen reader. @param {Place} place */
export function describeToken({ pane, rollout, at }) {
  const { group, look } = pane;
  const place = rollout.start + at;
  const [text, special] = group.vocabulary[group.columns.tokens[place]] ?? ["?", 0];
  const label = `${special ? "special token " : ""}${JSON.stringify(text)}`;
  const number = show(valueAt(group, look.signal.name, place));
  if (look.grouping === "token") return `${label}, ${look.signal.label} ${number}, ${chance(group, place)}`;
  const { from, to } = pane.shades.unitAt(look.grouping, place);
  const united = show(pane.shades.values(look.signal.name, look.grouping)?.[from]);
  return `${look.grouping} ${JSON.stringify(pane.shades.texts.slice(from, to).join(""))}, ${look.signal.label} ${united}`;
}
