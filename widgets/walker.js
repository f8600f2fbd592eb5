/** Moves through the tokens by key and pointer, and finds text. */

import { make } from "./dom.js";
import { FIRST } from "./signals.js";

export class Walker {
  constructor(view) {
    this.view = view;
    this.place = null; // { row, at }
    this.hits = [];
    this.findBox = make("input", { class: "wb-find", type: "search", placeholder: "find  /", "aria-label": "find text in the rollouts",
      input: (event) => this.find(event.target.value), keydown: (event) => this.findKey(event) });
    view.root.addEventListener("keydown", (event) => this.key(event));
  }

  /** Listens to a newly drawn list of rollouts. */
  attach(list) {
    this.place = null;
    this.hits = [];
    list.addEventListener("pointerover", (event) => this.pointed(event, (row, at) => this.view.showFloat(row, at)));
    list.addEventListener("pointerout", (event) => { if (!event.relatedTarget?.closest?.(".wb-token")) this.view.hideFloat(); });
    list.addEventListener("click", (event) => this.pointed(event, (row, at) => {
      if (String(getSelection()) !== "") return; // text is being marked for copying
      this.go(row, at);
      this.view.pin(row, at);
    }));
    list.addEventListener("focus", () => { if (!this.place && this.view.rows.length) this.go(this.view.rows[0], 0, false); });
    list.addEventListener("blur", () => this.view.hideFloat());
  }

  pointed(event, act) {
    const span = event.target.closest(".wb-token");
    const row = span && this.view.rows.find((each) => each.element.contains(span));
    if (row && span.dataset.at !== undefined) act(row, Number(span.dataset.at));
  }

  /** Makes a token the current one. */
  go(row, at, card = true) {
    if (!row?.spans.length) return;
    const place = Math.max(0, Math.min(row.spans.length - 1, at));
    this.place?.row.spans[this.place.at]?.classList.remove("wb-at");
    this.place = { row, at: place };
    row.spans[place].classList.add("wb-at");
    row.spans[place].scrollIntoView({ block: "nearest" });
    if (card) this.view.showFloat(row, place);
    this.view.announce(row, place);
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
    if (event.target.tagName === "BUTTON" && (event.key === "Enter" || event.key === " ")) return;
    const act = this.actions()[event.shiftKey && event.key.startsWith("Arrow") ? `Shift${event.key}` : event.key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation(); // or JupyterLab would take the key for a command
    act();
  }

  actions() {
    const { view } = this;
    const rollout = (by) => () => this.moveRollout(by);
    const step = (by) => () => this.moveStep(by);
    return {
      ArrowRight: () => this.moveToken(1), ArrowLeft: () => this.moveToken(-1),
      ArrowDown: () => this.moveLine(1), ArrowUp: () => this.moveLine(-1),
      Home: () => this.go(this.row, 0), End: () => this.go(this.row, Infinity),
      "]": rollout(1), "[": rollout(-1), n: rollout(1), p: rollout(-1),
      "}": step(1), "{": step(-1), N: step(1), P: step(-1),
      ShiftArrowDown: () => this.moveGroup(1), ShiftArrowUp: () => this.moveGroup(-1),
      m: () => this.moveSignal(1), M: () => this.moveSignal(-1), l: () => view.toggleLock(),
      "/": () => this.findBox.focus(), "?": () => view.toggleHelp(),
      Enter: () => this.place && view.pin(this.place.row, this.place.at),
      Escape: () => this.leave(),
    };
  }

  get row() {
    return this.place?.row ?? this.view.rows[0];
  }

  leave() {
    if (this.view.help) this.view.toggleHelp();
    else if (this.view.pinned) this.view.unpin();
    else this.view.hideFloat();
  }

  moveToken(by) {
    if (!this.place) return this.go(this.row, 0);
    const at = this.place.at + by;
    if (at < 0) return this.moveRollout(-1, Infinity);
    if (at >= this.place.row.spans.length) return this.moveRollout(1);
    return this.go(this.place.row, at);
  }

  /** The nearest token on the line above or below; beyond the rollout's last line, the next rollout. */
  moveLine(by) {
    if (!this.place) return this.go(this.row, 0);
    const { row, at } = this.place;
    const here = row.spans[at].getBoundingClientRect();
    let best = null;
    let line = null;
    for (let other = at + by; other >= 0 && other < row.spans.length; other += by) {
      const box = row.spans[other].getClientRects()[0];
      if (!box || Math.abs(box.top - here.top) < here.height / 2) continue;
      line ??= box.top;
      if (Math.abs(box.top - line) > here.height / 2) break;
      const far = Math.abs(box.left - here.left);
      if (!best || far < best.far) best = { at: other, far };
    }
    return best ? this.go(row, best.at) : this.moveRollout(by, by < 0 ? Infinity : 0);
  }

  moveRollout(by, at = 0) {
    const { rows } = this.view;
    const next = rows[rows.indexOf(this.row) + by];
    if (next) this.go(next, at);
  }

  moveStep(by) {
    const { steps, step } = this.view;
    const next = steps[steps.indexOf(step) + by];
    if (next !== undefined) this.view.chooseStep(next).then(() => this.view.list.focus());
  }

  moveGroup(by) {
    const { groups } = this.view.board;
    const next = groups[groups.findIndex((group) => group.group === this.view.group.group) + by];
    if (next) this.view.showGroup(next.group).then(() => this.view.list.focus());
  }

  moveSignal(by) {
    const { signals } = this.view.group;
    const order = [...FIRST, ...signals.filter((name) => !FIRST.includes(name))].filter((name) => signals.includes(name));
    this.view.showSignal(order.at((order.indexOf(this.view.signalName) + by) % order.length));
    if (this.place) this.view.showFloat(this.place.row, this.place.at);
  }

  /** Marks every token that holds a part of the text. */
  find(text) {
    this.hits = [];
    for (const row of this.view.rows) {
      for (const span of row.spans) span.classList.remove("wb-hit");
      if (text) this.hits.push(...hitsIn(row, text.toLowerCase()));
    }
    for (const { row, from, to } of this.hits) row.spans.slice(from, to + 1).forEach((span) => span.classList.add("wb-hit"));
    this.findBox.title = text ? `${this.hits.length} found` : "";
    this.view.live.textContent = text ? `${this.hits.length} found` : "";
    this.hit = -1;
  }

  findKey(event) {
    event.stopPropagation();
    if (event.key === "Escape") {
      this.findBox.value = "";
      this.find("");
      this.view.list.focus();
    }
    if (event.key !== "Enter" || !this.hits.length) return;
    this.hit = (this.hit + (event.shiftKey ? this.hits.length - 1 : 1)) % this.hits.length;
    this.go(this.hits[this.hit].row, this.hits[this.hit].from);
  }
}

/** Ranges of tokens whose joined text holds the words looked for. */
export function hitsIn(row, wanted) {
  const texts = row.spans.map((span) => span.textContent.toLowerCase());
  const ends = [];
  let total = 0;
  for (const text of texts) ends.push((total += text.length));
  const whole = texts.join("");
  const found = [];
  for (let start = whole.indexOf(wanted); start >= 0; start = whole.indexOf(wanted, start + 1)) {
    const last = start + wanted.length - 1;
    found.push({ row, from: ends.findIndex((end) => end > start), to: ends.findIndex((end) => end > last) });
  }
  return found;
}
