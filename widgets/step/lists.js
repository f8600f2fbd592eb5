/** The effect of a step as a table of rollouts (gradient weight, Δ log-prob, sign agreement), and lists of tokens. */

import { rove } from "../page/rove.js";
import { make } from "../page/dom.js";
import { show } from "../page/signals.js";
import { visible } from "../page/tokens.js";

/** @typedef {import("../wire/payload.js").Group} Group @typedef {import("./math.js").Line} Line @typedef {import("./math.js").Tokens} Tokens */

const MOST_LINES = 200; // rollouts in the page

/** @param {number} number */
export const signed = (number) => (number > 0 ? `+${show(number)}` : show(number));

/** @param {number} part */
export const percent = (part) => (Number.isFinite(part) ? `${Math.round(100 * part)} %` : "–");

/** Columns of the table. @type {{ name: string, label: string, help: string, of: (line: Line) => number | null, text: (number: number) => string }[]} */
const COLUMNS = [
  { name: "rollout", label: "rollout", help: "number of the rollout in the step; press it to show it below", of: ({ rollout }) => rollout.rollout, text: String },
  { name: "problem", label: "problem", help: "number of the problem (group) in the step", of: ({ rollout }) => rollout.group, text: String },
  { name: "reward", label: "reward", help: "reward of the rollout", of: ({ rollout }) => rollout.reward, text: show },
  { name: "tokens", label: "tokens", help: "tokens whose log-prob was computed again after the update", of: ({ tokens }) => tokens, text: String },
  { name: "weight", label: "Σ gradient weight", help: "sum of the gradient weights (lens) over the tokens of the rollout", of: ({ weight }) => weight, text: signed },
  { name: "delta", label: "Σ Δ log-prob", help: "change of the log-prob of the whole rollout, in nats", of: ({ delta }) => delta, text: signed },
  { name: "agree", label: "sign agreement", help: "share of the gradient weight (in size) on tokens that moved in the direction of the gradient", of: ({ agree }) => agree, text: percent },
];

/** The table of rollouts; its columns can be sorted. */
export class StepTable {
  /** @param {{ pick: (line: Line) => void }} host */
  constructor(host) {
    this.host = host;
    /** @type {Line[]} */
    this.lines = [];
    this.whole = false;
    this.order = { name: "rollout", falling: false };
    /** @type {import("../wire/payload.js").Rollout | undefined} */
    this.picked = undefined;
    this.element = make("div", { class: "wb-step-table", keydown: (event) => this.key(event) });
  }

  /** @param {Line[]} lines @param {boolean} whole of a whole step, not of one problem */
  show(lines, whole) {
    this.lines = lines;
    this.whole = whole;
    this.draw();
  }

  /** @param {import("../wire/payload.js").Rollout | undefined} rollout */
  mark(rollout) {
    this.picked = rollout;
    for (const button of this.element.querySelectorAll("tbody button")) {
      button.setAttribute("aria-pressed", String(button.textContent === `#${rollout?.rollout}`));
    }
  }

  draw() {
    const { name, falling } = this.order;
    const within = this.element.contains(document.activeElement) ? document.activeElement?.getAttribute("data-column") : null;
    const columns = COLUMNS.filter((each) => each.name !== "problem" || this.whole);
    const column = COLUMNS.find((each) => each.name === name) ?? COLUMNS[0];
    const key = (/** @type {Line} */ line) => column.of(line) ?? NaN;
    const known = this.lines.filter((line) => Number.isFinite(key(line))).sort((one, other) => (falling ? key(other) - key(one) : key(one) - key(other)));
    const sorted = [...known, ...this.lines.filter((line) => !Number.isFinite(key(line)))];
    const heads = columns.map((each) => make("th", { scope: "col", "aria-sort": each.name === name ? (falling ? "descending" : "ascending") : null },
      make("button", { type: "button", "data-column": each.name, title: each.help, click: () => this.sort(each.name) }, each.label, each.name === name ? (falling ? " ▾" : " ▴") : "")));
    const rows = sorted.slice(0, MOST_LINES).map((line, place) => this.row(line, columns, place));
    this.element.replaceChildren(make("table", {}, make("thead", {}, make("tr", {}, heads)), make("tbody", {}, rows)),
      sorted.length > MOST_LINES ? make("p", { class: "wb-muted" }, `the first ${MOST_LINES} of ${sorted.length} rollouts in this order`) : "");
    const again = within && this.element.querySelector(`[data-column="${within}"]`);
    if (again instanceof HTMLElement) again.focus();
  }

  /** @param {Line} line @param {typeof COLUMNS} columns @param {number} place */
  row(line, columns, place) {
    const cells = columns.slice(1).map((column) => {
      const number = column.of(line);
      return make("td", {}, number === null ? "–" : column.text(number));
    });
    const pressed = line.rollout === this.picked;
    return make("tr", {}, make("th", { scope: "row" }, make("button", { type: "button", tabindex: place ? -1 : 0, "aria-pressed": String(pressed),
      title: "show this rollout below", click: () => this.host.pick(line) }, `#${line.rollout.rollout}`)), cells);
  }

  /** @param {string} name */
  sort(name) {
    this.order = { name, falling: this.order.name === name ? !this.order.falling : name !== "rollout" };
    this.draw();
  }

  /** Up and down from rollout to rollout. @param {KeyboardEvent} event */
  key(event) {
    const buttons = /** @type {HTMLButtonElement[]} */ ([...this.element.querySelectorAll("tbody button")]);
    const at = buttons.indexOf(/** @type {any} */ (document.activeElement));
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (at < 0 || next === undefined) return;
    event.preventDefault();
    event.stopPropagation(); // or the tokens would move
    buttons[next]?.focus();
  }
}

/** Tokens as buttons that lead to them. @param {string} title @param {string} help @param {HTMLElement[]} items */
export function tokenList(title, help, items) {
  const list = make("div", { class: "wb-step-items", role: "group", "aria-label": title }, items.length ? items : make("p", { class: "wb-muted" }, "none"));
  items.forEach((item, place) => { item.tabIndex = place ? -1 : 0; });
  rove(list);
  return make("div", { class: "wb-step-list" }, make("b", {}, title), make("span", { class: "wb-muted" }, ` ${help}`), list);
}

/** @param {Group} group @param {Tokens} tokens @param {number} at @param {(at: number) => void} read */
export function tokenItem(group, tokens, at, read) {
  const rollout = group.rollouts[tokens.owners[at]];
  return make("button", { type: "button", class: "wb-step-item", title: "show this token in its rollout", click: () => read(at) },
    make("span", { class: "wb-step-token", dir: "ltr" }, make("bdi", {}, textOf(group, tokens.places[at]))),
    make("span", { class: "wb-number" }, tokens.weight[at] ? `weight ${signed(tokens.weight[at])}` : "", ` Δ ${signed(tokens.delta[at])}`),
    make("span", { class: "wb-muted" }, `#${rollout.rollout}`));
}

/** A token's text on one line. @param {Group} group @param {number} place */
export function textOf(group, place) {
  const text = visible(group.vocabulary[group.columns.tokens[place]]?.[0] ?? "⟨?⟩").replaceAll("\n", "⏎");
  return `“${text.length > 24 ? `${text.slice(0, 23)}…` : text}”`;
}
