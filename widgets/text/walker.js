/** Moves through the tokens by key and pointer. */

import { isShortcut } from "../page/dom.js";
import { LINE, tokenInLine } from "../page/lines.js";
import { ordered } from "../page/signals.js";
import { GROUPINGS } from "../page/units.js";

/** @typedef {import("./pane.js").Pane} Pane @typedef {import("./sheet.js").Passage} Passage */

export class Walker {
  /** @param {import("../tokens/token_view.js").TokenView} view */
  constructor(view) {
    this.view = view;
    /** @type {import("./pane.js").Place | null} */
    this.place = null;
    view.root.addEventListener("keydown", (event) => this.key(event));
  }

  /** Listens to a pane. @param {Pane} pane */
  attach(pane) {
    const list = pane.sheet.element;
    list.addEventListener("pointerover", (event) => this.pointed(pane, event, (place) => { if (!this.view.dock.afloat) this.view.card.show(place); }));
    list.addEventListener("pointerout", (event) => {
      if (!(event.relatedTarget instanceof Element && event.relatedTarget.closest(".wb-token"))) this.view.card.hide();
    });
    list.addEventListener("click", (event) => this.pointed(pane, event, (place) => {
      if (String(getSelection()) !== "") return; // text is being selected for copying
      this.go(pane, place.passage, place.at);
      this.view.dock.pin(place);
    }));
    list.addEventListener("focus", () => { if (this.place?.pane !== pane && pane.sheet.passages.length) this.go(pane, pane.sheet.passages[0], 0, false); });
    list.addEventListener("blur", () => this.view.card.hide());
    list.addEventListener("scroll", () => this.view.card.follow(), { passive: true });
  }

  /** @param {Pane} pane @param {Event} event @param {(place: import("./pane.js").Place) => void} act */
  pointed(pane, event, act) {
    const found = pane.sheet.tokenAt(event.target);
    if (found) act({ pane, rollout: found.passage.rollout, ...found });
  }

  /** Makes a token the current one. @param {Pane} pane @param {Passage | undefined} passage @param {number} at */
  go(pane, passage, at, card = true) {
    if (!passage?.text.count) return;
    const inside = Math.max(0, Math.min(passage.text.count - 1, at));
    this.place = { pane, passage, rollout: passage.rollout, at: inside };
    pane.sheet.reveal(passage, inside);
    for (const each of this.view.panes) each.sheet.redress();
    if (card && this.view.pinned) this.view.dock.pin(this.place); // the pinned card goes with the cursor
    else if (card) this.view.card.show(this.place);
    this.view.stage.announce(this.place);
  }

  /** A pane shows other rollouts: the place is kept where its rollout is still there. @param {Pane} pane */
  renew(pane) {
    if (this.place?.pane !== pane) return;
    const passage = this.place.pane.group === pane.group ? pane.passageOf(this.place.rollout) : undefined;
    this.place = passage ? { ...this.place, passage } : null;
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    if (isShortcut(event) || /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName)) return;
    if (target.tagName === "BUTTON" && (event.key === "Enter" || event.key === " ")) return;
    if (!this.view.group) return;
    const act = this.actions()[event.shiftKey && event.key.startsWith("Arrow") ? `Shift${event.key}` : event.key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation(); // an enclosing application may listen too
    act();
  }

  /** @returns {Record<string, () => any>} */
  actions() {
    const { view } = this;
    const rollout = (/** @type {number} */ by) => () => this.moveRollout(by);
    const step = (/** @type {number} */ by) => () => this.moveStep(by);
    return {
      ArrowRight: () => this.moveToken(1), ArrowLeft: () => this.moveToken(-1),
      ArrowDown: () => this.moveLine(1), ArrowUp: () => this.moveLine(-1),
      PageDown: () => this.moveLine(this.page), PageUp: () => this.moveLine(-this.page),
      Home: () => this.moveTo(0), End: () => this.moveTo(Infinity),
      "]": rollout(1), "[": rollout(-1), n: rollout(1), p: rollout(-1),
      "}": step(1), "{": step(-1), N: step(1), P: step(-1),
      ShiftArrowDown: () => this.moveGroup(1), ShiftArrowUp: () => this.moveGroup(-1),
      m: () => this.moveSignal(1), M: () => this.moveSignal(-1), l: () => view.controls.toggleLock(),
      u: () => this.moveGrouping(), c: () => view.toggleCompare(), o: () => this.otherPane(),
      "/": () => view.finder.box.focus(), "?": () => view.controls.toggleHelp(), w: () => view.controls.toggleStep(),
      r: () => this.turn(), g: () => this.goParting(), "<": () => this.goKin(true), ">": () => this.goKin(false),
      Enter: () => this.place && view.dock.pin(this.place, true),
      Escape: () => this.escape(),
    };
  }

  /** The current token, or the position before the first; null where nothing is shown. @returns {import("./pane.js").Place | null} */
  get here() {
    const [pane] = this.view.panes;
    const passage = pane.sheet.passages.find(({ text }) => text.count);
    return this.place ?? (passage ? { pane, passage, rollout: passage.rollout, at: -1 } : null);
  }

  /** Lines of a window. */
  get page() {
    return Math.max(1, Math.floor(this.view.panes[0].sheet.sight / LINE) - 3);
  }

  escape() {
    const { view } = this;
    if (view.controls.sheet) view.controls.closeSheet();
    else if (view.pinned) view.dock.unpin();
    else if (view.card.open) view.card.hide();
    else if (view.other) view.toggleCompare();
  }

  /** @param {number} at */
  moveTo(at) {
    if (this.here) this.go(this.here.pane, this.here.passage, at);
  }

  /** To the rollout that this one was made from, or to the first made from it. @param {boolean} up */
  goKin(up) {
    const { view, here } = this;
    const kin = here && !view.board.away && view.board.lineage?.next(here.rollout, up);
    if (kin) view.board.follow(kin.group, kin.rollout);
    else view.notify(up ? "This rollout was made from no other one on record here." : "Nothing on record here was made from this rollout.");
  }

  /** The next unit of text, or the one before. @param {number} by */
  moveToken(by) {
    if (!this.place) return this.moveTo(0);
    const { pane, passage, rollout, at } = this.place;
    const unit = pane.shades.unitAt(pane.grouping, rollout.start + at);
    const next = by > 0 ? unit.to - rollout.start : unit.from - rollout.start - 1;
    if (next < 0) return this.moveRollout(-1, Infinity);
    if (next >= rollout.length) return this.moveRollout(1);
    return this.go(pane, passage, by > 0 ? next : pane.shades.unitAt(pane.grouping, rollout.start + next).from - rollout.start);
  }

  /** The nearest token on a line above or below; beyond the rollout's last line, the next rollout. @param {number} by */
  moveLine(by) {
    if (!this.place) return this.moveTo(0);
    const { pane, passage, at } = this.place;
    const { lines, text } = passage;
    const next = tokenInLine(lines, text.faceAt, at, by);
    if (next !== null) return this.go(pane, passage, next);
    return this.moveRollout(Math.sign(by), by < 0 ? Infinity : 0);
  }

  /** The next rollout that holds a token. @param {number} by @param {number} at */
  moveRollout(by, at = 0) {
    if (!this.here) return;
    const { pane, passage } = this.here;
    const { passages } = pane.sheet;
    let next = passages.indexOf(passage) + by;
    while (passages[next]?.text.count === 0) next += by;
    this.go(pane, passages[next], at);
  }

  /** @param {number} by */
  moveStep(by) {
    const { steps, step } = this.view;
    const next = steps[steps.indexOf(step) + by];
    if (next !== undefined) this.view.chooseStep(next).then(() => this.view.focus());
  }

  /** @param {number} by */
  moveGroup(by) {
    const { groups } = this.view.boardShown;
    const next = groups[groups.findIndex((group) => group.group === this.view.group.group) + by];
    if (next) this.view.showGroup(next.group).then(() => this.view.focus());
  }

  /** @param {number} by */
  moveSignal(by) {
    const order = ordered(this.view.group.signals);
    const next = order.at((order.indexOf(this.view.signalName) + by) % order.length);
    if (next) this.view.showSignal(next);
    if (this.place) this.view.card.show(this.place);
  }

  moveGrouping() {
    this.view.showGrouping(GROUPINGS[(GROUPINGS.indexOf(this.view.grouping) + 1) % GROUPINGS.length]);
  }

  /** Sets or clears this rollout as the reference for divergence points. */
  turn() {
    if (this.here && !this.view.other) this.view.board.turn(this.here.rollout, Math.max(0, this.here.at));
  }

  /** Goes to the divergence point of this rollout. */
  goParting() {
    if (!this.here || this.view.other) return;
    const parting = this.view.board.partingOf(this.here.rollout);
    if (!parting) this.view.notify("No reference is set: press r to set this rollout as the reference for divergence points.");
    else if (parting.at === null) this.view.notify("This rollout is the reference: go to another one.");
    else this.view.visit(this.here.rollout, Math.max(0, parting.at));
  }

  /** The same token in the other pane, where two are compared. */
  otherPane() {
    const { pane, at } = this.here ?? { pane: null, at: 0 };
    const other = this.view.panes.find((each) => each !== pane);
    if (!other || !pane || this.view.panes.length < 2) return;
    other.sheet.element.focus({ preventScroll: true });
    this.go(other, other.sheet.passages[0], Math.max(0, at));
  }
}
