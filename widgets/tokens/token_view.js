/**
 * The rollouts of a step, grouped by problem, every token coloured by a chosen signal.
 * A source answers `index() -> {steps}`, `board(step)` and `group(step, group)`, all promises; a kernel's also
 * `methods()`, `lens(step, group, key)` and `branch(place)`.
 */

import { Board } from "../board/board.js";
import { Compare } from "../text/compare.js";
import { Controls } from "./controls.js";
import { Dock } from "../text/dock.js";
import { Finder } from "../text/find.js";
import { FloatingCard } from "../text/float.js";
import { LastSeen } from "./last_seen.js";
import { Pane } from "../text/pane.js";
import { PromptBlock } from "../text/prompt.js";
import { FIRST, LENS, limitsOf } from "../page/signals.js";
import { Stage } from "../text/stage.js";
import { Walker } from "../text/walker.js";

/**
 * @typedef {import("../text/pane.js").Place} Place
 * @typedef {import("../wire/payload.js").Group} Group
 * @typedef {import("../wire/payload.js").Rollout} Rollout
 */

export class TokenView {
  /** @type {number} */
  step;
  /** @type {import("../wire/payload.js").BoardPayload} of the step */
  boardShown;
  /** @type {Group} */
  group;
  /** @type {Compare | null} */
  other = null;

  /** @param {HTMLElement} root @param {any} source see above @param {{ step?: (step: number) => void, chosen?: () => void }} hooks `step` is called for every step shown, `chosen` when the reader chose one */
  constructor(root, source, hooks = {}) {
    this.source = source;
    this.hooks = hooks;
    /** @type {number[]} */
    this.steps = [];
    this.signalName = "advantage";
    this.grouping = "token";
    this.ticket = 0;
    this.head = (/** @type {Group} */ group, /** @type {Rollout} */ rollout) => this.board.head(group, rollout);
    this.foot = (/** @type {Rollout} */ rollout) => this.board.foot(rollout);
    this.stage = new Stage();
    this.root = this.stage.root;
    this.board = new Board(this);
    this.card = new FloatingCard();
    this.seen = new LastSeen(source);
    this.dock = new Dock(this);
    this.controls = new Controls(this);
    this.finder = new Finder(this);
    this.prompt = new PromptBlock();
    this.stage.arrange({ toolbar: this.controls.element, list: this.board.list, dock: this.dock.element, card: this.card.element });
    root.append(this.root);
    this.walker = new Walker(this);
    this.pane = new Pane(this, "rollouts; arrow keys move from token to token");
    this.themes = new MutationObserver(() => this.panes.forEach((each) => each.repaintMap()));
    this.themes.observe(root.closest("[data-theme]") ?? root, { attributes: true, attributeFilter: ["data-theme"] });
    this.walker.attach(this.pane);
  }

  /** The current token. */
  get place() {
    return this.walker.place;
  }

  /** The visible panes. @returns {Pane[]} */
  get panes() {
    return this.other ? this.other.panes : [this.pane];
  }

  /** Shows the first view: a step (the last one by default) and its first group with reward variance. @param {number} [step] @param {any} [known] */
  async start(step, known) {
    const index = known ?? await this.source.index();
    this.steps = index.steps;
    if (!this.steps.length) return this.showMessage("No rollouts yet: the first step is still running.");
    if (this.ticket && step === undefined) return this.group && this.controls.draw(); // an update came first, and another step may be shown
    return this.showStep(step ?? this.steps[this.steps.length - 1]);
  }

  showMessage(/** @type {string} in place of the tokens */ text) { this.stage.showMessage(text); }
  notify(/** @type {string} above the tokens, until the next group */ text) { this.stage.notify(text); }

  /** Newly recorded steps of a running run. @param {number[]} steps */
  setSteps(steps) {
    this.steps = steps;
    if (this.group) this.controls.draw();
    else if (steps.length) this.showStep(steps[steps.length - 1]);
  }

  /** Whether the reader is at something that must not be replaced. */
  get busy() {
    const reading = this.panes.some((pane) => pane.sheet.element.matches(":focus"));
    return Boolean(this.pinned || this.other || this.finder.box.value || this.card.open || this.controls.busy || reading || this.board.busy);
  }

  /** A step's rollouts: of the group asked for, else of the same problem, else of the first group with reward variance. @param {number} step @param {number} [wanted] */
  async showStep(step, wanted) {
    const ticket = ++this.ticket;
    try {
      const board = await this.source.board(step);
      if (ticket !== this.ticket) return;
      this.step = step;
      this.boardShown = board;
      this.hooks.step?.(step);
      await this.showGroup(wanted ?? this.board.choice(board, this.group).group);
    } catch (error) {
      if (ticket === this.ticket) this.showMessage(`Step ${step} cannot be shown: ${/** @type {Error} */ (error).message}`);
    }
  }

  /** A step that the reader chose: newer ones no longer replace it. @param {number} step @param {number} [group] */
  chooseStep(step, group) {
    this.hooks.chosen?.();
    return this.showStep(step, group);
  }

  /** @param {number} number @param {Promise<Group> | null} given the group, where it comes from elsewhere than the step */
  async showGroup(number, given = null) {
    const ticket = ++this.ticket;
    /** @type {Group} */
    let group;
    try {
      group = await (given ?? this.source.group(this.step, number));
    } catch (error) {
      if (ticket === this.ticket) this.showMessage(`Problem ${number} of step ${this.step} cannot be shown: ${/** @type {Error} */ (error).message}`);
      return;
    }
    await this.provide(group, this.signalName);
    if (ticket !== this.ticket) return;
    if (this.pinned && this.group !== group) this.dock.unpin();
    const first = !this.group;
    this.group = group;
    if ((first || given) && !group.signals.includes(this.signalName)) {
      this.signalName = FIRST.find((name) => group.signals.includes(name)) ?? group.signals[0] ?? "advantage";
    }
    this.notify("");
    this.card.hide();
    this.closeCompare();
    this.board.update(this.boardShown, group);
    this.stage.main.replaceChildren(this.prompt.element, this.board.bar, this.pane.element);
    this.prompt.show(group);
    this.arrange();
  }

  /** Shows the rollouts as the board filters and sorts them. */
  arrange() {
    this.walker.place = null;
    this.pane.show(this.group, this.board.rollouts(this.group), { name: this.signalName, grouping: this.grouping });
    this.board.mark(this.pane);
    this.paint();
    if (this.finder.box.value) this.finder.find(this.finder.box.value);
  }

  // ------------------------------------------------------------------ colours

  /** Requests a lens that is not loaded; shows an error where it cannot be computed. @param {Group} group @param {string} name */
  async provide(group, name) {
    if (group.columns[name] || group.kind !== "group" || !name.startsWith(LENS) || !this.source.lens) return;
    try {
      const payload = await this.source.lens(group.step, group.group, name.slice(LENS.length));
      group.columns[name] = payload.columns.lens;
      if (!group.signals.includes(name)) group.signals.push(name);
    } catch (error) {
      this.notify(`${name.replace(":", " of ")}: ${/** @type {Error} */ (error).message}`);
    }
  }

  /** @param {string} name */
  async showSignal(name) {
    if (!this.group) return;
    this.notify("");
    if (!this.group.signals.includes(name)) await this.provide(this.group, name);
    if (!this.group.signals.includes(name)) return;
    this.signalName = name;
    this.pane.name = name;
    this.other?.follow();
    this.paint();
  }

  /** @param {string} grouping */
  showGrouping(grouping) {
    this.grouping = grouping;
    this.pane.regroup(grouping);
    this.walker.renew(this.pane);
    if (this.other) {
      this.other.follow();
      this.other.panes.forEach((pane) => this.walker.renew(pane));
    }
    this.paint();
  }

  /** @param {Pane} pane */
  limitsFor(pane) {
    const locked = this.controls.lockOf(pane);
    if (locked !== undefined) return locked;
    const alike = this.panes.filter((each) => each.name === pane.name);
    if (alike.every((each) => each.group === pane.group)) return pane.limits();
    return limitsOf(pane.signal, alike.flatMap((each) => Array.from(each.scale())));
  }

  paint() {
    for (const pane of this.panes) pane.paint(this.limitsFor(pane));
    this.controls.draw();
    this.dock.draw();
    this.seen.note(this.group, this.signalName);
  }

  // ------------------------------------------------------------------ places

  /** To a rollout of the group. @param {Rollout} rollout */
  visit(rollout, at = 0) {
    this.closeCompare();
    this.walker.go(this.pane, this.pane.passageOf(rollout), at);
    this.focus();
  }

  /** The keys go to the tokens. */
  focus() {
    const pane = this.walker.place?.pane ?? this.panes[0];
    pane.sheet.element.focus({ preventScroll: true });
  }

  /** The token whose card stays. */
  get pinned() { return this.dock.pinned; }

  drawn() { this.dock.follow(); }

  redress() { this.panes.forEach((pane) => pane.sheet.redress()); }

  // ------------------------------------------------------------------ side by side

  /** @param {{ group: Group, source: string } | null} others rollouts from elsewhere, to show on the right */
  toggleCompare(others = null) {
    if (this.other && !others) return this.closeCompare();
    const rollout = this.walker.place?.rollout ?? this.pane.rollouts?.[0];
    return rollout && this.openCompare(rollout, others);
  }

  /** @param {Rollout} rollout @param {{ group: Group, source: string } | null} others @param {string | null} source of the group, if it is of no step */
  openCompare(rollout, others = null, source = null) {
    if (this.group.rollouts.length < 2 && !others) return this.notify("This group has a single rollout: there is none to compare with.");
    const at = this.walker.place?.rollout === rollout ? this.walker.place.at : 0;
    this.closeCompare();
    this.other = new Compare(this);
    this.pane.element.replaceWith(this.other.element);
    this.besides(true);
    for (const pane of this.other.panes) this.walker.attach(pane);
    this.other.open(rollout, others, source);
    this.walker.go(this.other.left.pane, this.other.left.pane.passageOf(rollout), at, false);
    return this.focus();
  }

  /** Hides the group board during a comparison. @param {boolean} comparing */
  besides(comparing) {
    this.board.bar.hidden = comparing;
    this.stage.body.classList.toggle("wb-comparing", comparing);
  }

  closeCompare() {
    if (!this.other) return;
    const { rollout, at } = this.walker.place ?? { rollout: this.group.rollouts[0], at: 0 };
    this.other.element.replaceWith(this.pane.element);
    this.other.close();
    this.other = null;
    this.besides(false);
    this.walker.place = null;
    this.paint();
    this.walker.go(this.pane, this.pane.passageOf(rollout), at, false);
    this.focus();
  }

  close() {
    this.ticket += 1;
    this.themes.disconnect();
    this.controls.effect.close();
    this.dock.close();
    this.seen.close();
    this.other?.close();
    this.pane.close();
    this.prompt.close();
    this.stage.close();
  }
}
