/** The same rollouts once per method, side by side; they scroll and move together. */

import { isShortcut, make } from "../page/dom.js";
import { tokenInLine } from "../page/lines.js";
import { Pane } from "../text/pane.js";
import { LENS, limitsOf, show, signalOf } from "../page/signals.js";
import { named, signed } from "./table.js";
import { visible } from "../page/tokens.js";

/**
 * @typedef {import("../wire/payload.js").Group} Group
 * @typedef {import("../wire/payload.js").Rollout} Rollout
 * @typedef {import("./table.js").Answer} Answer
 * @typedef {import("./method.js").MethodHead} MethodHead
 * @typedef {"weight" | "difference" | "advantage"} Mode
 */

const PAUSE = 250; // milliseconds before a token is announced

/** What a column shows: gradient weights, their difference to method 1, or advantages.
 * @param {Answer} answer @param {number} at @param {Mode} mode @returns {Float32Array | null} */
export function shownOf(answer, at, mode) {
  const { columns } = answer;
  const own = columns[`${mode === "advantage" ? "advantage" : "weight"}.${at}`];
  if (!own || mode !== "difference" || at === 0) return own ?? null;
  const first = columns["weight.0"];
  return first ? own.map((value, place) => value - first[place]) : null;
}

/** A method's column. */
class Column {
  /** @param {Texts} texts @param {MethodHead} head @param {number} at */
  constructor(texts, head, at) {
    this.texts = texts;
    this.head = head;
    this.at = at;
    this.name = `${LENS}${at + 1}`;
    this.error = make("p", { class: "wp-error", role: "status", hidden: true });
    this.readout = make("p", { class: "wp-readout" });
    /** @type {Map<Rollout, HTMLElement>} */
    this.heads = new Map();
    const own = this;
    const around = {
      get place() { return texts.place && { ...texts.place, pane: own.pane }; },
      pinned: null,
      head: (/** @type {Group} */ _, /** @type {Rollout} */ rollout) => this.rolloutHead(rollout),
      foot: () => null,
    };
    this.pane = new Pane(/** @type {any} */ (around), `rollouts under method ${at + 1}; arrow keys move from token to token`);
    this.element = make("section", { class: "wp-column wb-side", "aria-label": `method ${at + 1}`, "data-method": at + 1 }, head.element, this.readout, this.error, this.pane.element);
  }

  /** @param {Rollout} rollout */
  rolloutHead(rollout) {
    const element = make("div", { class: "wp-rollout-head" });
    this.heads.set(rollout, element);
    return element;
  }

  close() {
    this.pane.close();
    this.element.remove();
  }
}

export class Texts {
  /** @type {Group} */
  group;
  /** @type {Answer | null} */
  answer = null;
  /** @type {Record<string, number>} that were set */
  rewards = {};
  /** @type {Mode} */
  mode = "weight";
  shared = true; // a common scale for all columns
  /** @type {{ passage: any, rollout: Rollout, at: number } | null} */
  place = null;

  constructor() {
    this.element = make("div", { class: "wp-columns", keydown: (event) => this.key(event) });
    this.live = make("div", { class: "wb-hidden", "aria-live": "polite" });
    this.token = make("span", { class: "wp-token" });
    /** @type {Column[]} */
    this.columns = [];
  }

  /** A column a method. @param {MethodHead[]} heads */
  arrange(heads) {
    const top = this.columns[0]?.pane.sheet.element.scrollTop ?? 0;
    for (const column of this.columns) column.close();
    this.columns = heads.map((head, at) => this.attach(new Column(this, head, at)));
    this.element.replaceChildren(...this.columns.map(({ element }) => element));
    if (!this.group) return;
    this.open(this.group, this.rewards);
    for (const { pane } of this.columns) pane.sheet.element.scrollTop = top;
  }

  /** @param {Column} column */
  attach(column) {
    const list = column.pane.sheet.element;
    list.addEventListener("pointerover", (event) => {
      const found = column.pane.sheet.tokenAt(event.target);
      if (found) this.go(found.passage.rollout, found.at, null);
    });
    list.addEventListener("focus", () => { if (!this.place) this.go(this.group.rollouts[0], 0, column); });
    list.addEventListener("scroll", () => this.together(column), { passive: true });
    return column;
  }

  /** All columns stand at the same height. @param {Column} moved */
  together(moved) {
    const { element } = moved.pane.sheet;
    if (!element.matches(":hover, :focus")) return; // follows another column and must not lead it
    for (const { pane } of this.columns) {
      if (pane.sheet.element.scrollTop !== element.scrollTop) pane.sheet.element.scrollTop = element.scrollTop;
    }
  }

  /** @param {Group} group @param {Record<string, number>} rewards */
  open(group, rewards) {
    if (group !== this.group) this.place = null;
    this.group = group;
    this.rewards = rewards;
    for (const column of this.columns) {
      column.heads.clear();
      delete group.columns[column.name];
      column.pane.show(group, group.rollouts, { name: column.name, grouping: "token" });
    }
    this.read();
  }

  /** Colours everything; returns the limits of the common scale. @param {Answer | null} answer */
  show(answer = this.answer) {
    this.answer = answer;
    if (!answer) return null;
    const shown = this.columns.map(({ at }) => shownOf(answer, at, this.mode));
    const difference = this.mode === "difference";
    const common = this.limits(shown.filter((_, at) => !difference || at > 0));
    for (const column of this.columns) {
      const { at, name, pane } = column;
      const values = shown[at];
      if (values) this.group.columns[name] = values;
      else delete this.group.columns[name];
      const alone = !this.shared || (difference && at === 0);
      pane.paint(alone ? this.limits([values]) : common);
      this.fillHeads(column);
    }
    this.read();
    return this.shared ? common : null;
  }

  /** @param {(Float32Array | null)[]} columns */
  limits(columns) {
    const { trained } = this.group.columns;
    const all = columns.flatMap((values) => (values ? Array.from(values).filter((_, place) => trained[place]) : []));
    return limitsOf(signalOf(`${LENS}all`), all);
  }

  /** A method's error, and its sum over each rollout. @param {Column} column */
  fillHeads({ at, error, heads }) {
    const answer = /** @type {Answer} */ (this.answer);
    const text = answer.methods[at]?.error ?? "";
    error.textContent = text;
    error.hidden = !text;
    const weights = answer.columns[`weight.${at}`];
    for (const [rollout, head] of heads) {
      const set = this.rewards[rollout.rollout];
      const reward = set ?? rollout.reward;
      let sum = 0;
      for (let place = rollout.start; weights && place < rollout.start + rollout.length; place += 1) sum += Number.isFinite(weights[place]) ? weights[place] : 0;
      head.replaceChildren(make("b", {}, `#${rollout.rollout}`), ` reward ${reward === null ? "none" : show(reward, 2)}${set === undefined ? "" : " (set)"}`,
        make("span", { class: "wb-muted wb-number" }, weights ? ` · Σ ${signed(sum)}` : ""));
    }
  }

  // ------------------------------------------------------------------ one token

  /** Makes a token the current one, in all columns; `column`: moved by key, so it must be scrolled into view. @param {Rollout} rollout @param {number} at @param {Column | null} column */
  go(rollout, at, column) {
    const { columns } = this;
    const inside = Math.max(0, Math.min(rollout.length - 1, at));
    this.place = { rollout, at: inside, passage: columns[0].pane.passageOf(rollout) };
    if (column) {
      const passage = column.pane.passageOf(rollout);
      if (passage) column.pane.sheet.reveal(passage, inside);
      clearTimeout(this.speaking);
      this.speaking = setTimeout(() => { this.live.textContent = this.sentence(); }, PAUSE);
    }
    for (const { pane } of columns) pane.sheet.redress();
    this.read();
  }

  /** Shows the numbers of the current token in each column. */
  read() {
    const { place, answer, group } = this;
    const where = place ? place.rollout.start + place.at : -1;
    this.token.textContent = place ? tokenText(group, where) : "point at a token, or use the arrow keys";
    for (const { at, readout } of this.columns) {
      const weight = place && answer?.columns[`weight.${at}`]?.[where];
      const first = place && answer?.columns["weight.0"]?.[where];
      readout.textContent = !place || !answer || weight === undefined || weight === null ? "\u00a0"
        : `gradient weight ${signed(weight, 3)} · advantage ${signed(answer.columns[`advantage.${at}`][where], 3)}${at && first ? ` · ${show(weight / first, 2)} × method 1` : ""}${at && first === 0 && weight ? " · method 1: zero" : ""}`;
    }
  }

  /** The current token, for screen readers. */
  sentence() {
    const { place, answer } = this;
    if (!place || !answer) return "";
    const where = place.rollout.start + place.at;
    const texts = answer.methods.map((line, at) => (line.error ? "" : `${named(line)}: gradient weight ${signed(answer.columns[`weight.${at}`][where], 3)}`));
    return [tokenText(this.group, where), ...texts].filter(Boolean).join("; ");
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    const column = this.columns.find(({ pane }) => pane.sheet.element === target);
    if (!column || isShortcut(event)) return;
    const { rollouts } = this.group;
    const { rollout, at } = this.place ?? { rollout: rollouts[0], at: -1 };
    const beside = (/** @type {number} */ by) => rollouts[rollouts.indexOf(rollout) + by];
    const to = (/** @type {Rollout | undefined} */ other, /** @type {number} */ place) => () => other && this.go(other, place, column);
    const line = (/** @type {number} */ by) => {
      const passage = /** @type {import("../text/sheet.js").Passage} */ (column.pane.passageOf(rollout));
      const next = tokenInLine(passage.lines, passage.text.faceAt, Math.max(0, at), by);
      return next === null ? to(beside(by), by < 0 ? Infinity : 0) : to(rollout, next);
    };
    const across = (/** @type {number} */ by) => () => this.columns.at((column.at + by) % this.columns.length)?.pane.sheet.element.focus({ preventScroll: true });
    /** @type {Record<string, () => any>} */
    const acts = {
      ArrowRight: at + 1 < rollout.length ? to(rollout, at + 1) : to(beside(1), 0), ArrowLeft: at > 0 ? to(rollout, at - 1) : to(beside(-1), Infinity),
      Home: to(rollout, 0), End: to(rollout, Infinity), "]": to(beside(1), 0), "[": to(beside(-1), 0), o: across(1), O: across(-1),
      ArrowDown: () => line(1)(), ArrowUp: () => line(-1)(),
    };
    if (!acts[event.key]) return;
    event.preventDefault();
    event.stopPropagation(); // an enclosing application may listen too
    acts[event.key]();
  }

  close() {
    clearTimeout(this.speaking);
    for (const column of this.columns) column.close();
  }
}

/** A token in words: its text, probability and ratio. @param {Group} group @param {number} where */
function tokenText(group, where) {
  const { tokens, logprob, old_logprob: old } = group.columns;
  const text = `“${visible(group.vocabulary[tokens[where]]?.[0] ?? "?").replaceAll("\n", "⏎")}”`;
  const chance = logprob && Number.isFinite(logprob[where]) ? ` · probability ${show(100 * Math.exp(logprob[where]), 2)} %` : "";
  const ratio = chance && old && Number.isFinite(old[where]) ? ` · ratio ${show(Math.exp(logprob[where] - old[where]), 4)}` : "";
  return `${text}${chance}${ratio}`;
}
