/** Two rollouts, two steps of the same problem, or two signals side by side; the divergence point is marked. */

import { make } from "../page/dom.js";
import { Pane } from "./pane.js";
import { idsOf } from "./shades.js";
import { FIRST, LENS, ordered, show, signalOf } from "../page/signals.js";
import { chooser } from "./toolbar.js";

/**
 * @typedef {import("../wire/payload.js").Group} Group
 * @typedef {import("../wire/payload.js").Rollout} Rollout
 * @typedef {import("../tokens/token_view.js").TokenView} View
 */

/** How many tokens two rollouts share from their beginning on. @param {ArrayLike<number>} one @param {ArrayLike<number>} other */
export function sharedTokens(one, other) {
  const most = Math.min(one.length, other.length);
  let at = 0;
  while (at < most && one[at] === other[at]) at += 1;
  return at;
}

/** One half: some rollouts of a group, and a signal. */
export class Side {
  /** @type {number} */
  step;
  /** @type {Group} */
  group;
  /** @type {Rollout | null} null: all */
  rollout;

  /** @param {View} view @param {string} label @param {() => void} changed */
  constructor(view, label, changed) {
    this.view = view;
    this.changed = changed;
    this.pane = new Pane(view, label);
    this.controls = make("div", { class: "wb-side-line" });
    this.element = make("div", { class: "wb-side" }, this.controls, this.pane.element);
    /** @type {string | null} null: the signal of the toolbar */
    this.own = null;
    /** @type {string | null} shown in place of the step, for rollouts that belong to none */
    this.source = null;
  }

  /** @param {number} step @param {Group} group @param {Rollout | null} rollout null: all of them */
  set(step, group, rollout) {
    this.step = step;
    this.group = group;
    this.rollout = rollout;
    this.pane.show(group, rollout ? [rollout] : group.rollouts, { name: this.own ?? this.view.signalName, grouping: this.view.grouping });
    this.draw();
  }

  /** Another signal or grouping of the toolbar. */
  follow() {
    this.pane.name = this.own ?? this.view.signalName;
    if (this.pane.grouping !== this.view.grouping) this.pane.regroup(this.view.grouping);
    this.draw();
  }

  draw() {
    const { group, rollout, view } = this;
    const rollouts = group.rollouts.map((each) => /** @type {[string, string]} */ ([String(each.rollout),
      `#${each.rollout} · ${each.reward === null ? "no reward" : `reward ${show(each.reward)}`}`]));
    const other = view.source.methods && group.kind === "group" ? [[LENS, "lens of a method…"]] : [];
    const signals = [["", "same signal"], ...other, ...ordered(group.signals).map((name) => [name, signalOf(name).label])];
    this.controls.replaceChildren(
      this.source ? make("b", {}, this.source) : chooser("step of this side", view.steps.map((step) => [step, `step ${step}`]), this.step, (value) => this.goStep(Number(value))),
      chooser("rollout of this side", this.source ? [["", `all ${rollouts.length}`], ...rollouts] : rollouts, rollout ? String(rollout.rollout) : "", (value) => this.goRollout(value)),
      chooser("signal of this side", /** @type {[string, string][]} */ (signals), this.own ?? "", (value) => this.goSignal(value)));
  }

  /** @param {string} value */
  goRollout(value) {
    this.set(this.step, this.group, this.group.rollouts.find((each) => String(each.rollout) === value) ?? null);
    this.changed();
  }

  /** @param {string} value */
  async goSignal(value) {
    if (value === LENS) {
      this.draw(); // the menu stands at the signal again
      return this.view.controls.pickMethod((name) => this.goSignal(name));
    }
    if (value) await this.view.provide(this.group, value);
    if (value && !this.group.signals.includes(value)) return this.draw();
    this.own = value || null;
    this.follow();
    return this.changed();
  }

  /** The same problem at another step; a notice where it was not sampled there. @param {number} step */
  async goStep(step) {
    const { problem } = this.group.rollouts[0];
    try {
      const board = await this.view.source.board(step);
      const entry = board.groups.find((/** @type {import("../wire/payload.js").BoardEntry} */ each) => each.problem === problem);
      if (!entry) throw new Error(`${problem} was not sampled at step ${step}`);
      const group = await this.view.source.group(step, entry.group);
      this.set(step, group, group.rollouts[0]);
      this.changed();
    } catch (error) {
      this.view.notify(/** @type {Error} */ (error).message);
      this.draw();
    }
  }
}

export class Compare {
  /** @param {View} view */
  constructor(view) {
    this.view = view;
    const changed = () => this.changed();
    this.left = new Side(view, "rollout on the left", changed);
    this.right = new Side(view, "rollout on the right", changed);
    this.summary = make("span", { role: "status" });
    this.element = make("div", { class: "wb-compare" },
      make("div", { class: "wb-bar-line" }, this.summary, make("span", { class: "wb-spring" }),
        make("button", { type: "button", title: "back to the group  c", click: () => view.toggleCompare() }, "close comparison")),
      make("div", { class: "wb-sides" }, this.left.element, this.right.element));
    this.panes = [this.left.pane, this.right.pane];
    this.panes.forEach((pane, place) => pane.sheet.element.addEventListener("scroll", () => this.together(pane, this.panes[1 - place]), { passive: true }));
  }

  /** A rollout beside another of its group, or beside rollouts from elsewhere; `source`: where those on the left are from. @param {Rollout} rollout @param {{ group: Group, source: string } | null} others @param {string | null} source */
  open(rollout, others, source) {
    const { step, group } = this.view;
    this.left.source = source;
    this.left.set(step, group, source === null ? rollout : null);
    this.right.source = others?.source ?? null;
    if (others) {
      const known = others.group.signals;
      this.right.own = known.includes(this.view.signalName) ? null : FIRST.find((name) => known.includes(name)) ?? null;
      this.right.set(step, others.group, null);
    }
    if (!others) this.right.set(step, group, counterpartOf(group, rollout));
    this.changed();
  }

  /** Finds the divergence points again and repaints. */
  changed() {
    const lefts = this.left.pane.rollouts;
    const rights = this.right.pane.rollouts;
    this.left.pane.partings.clear();
    this.right.pane.partings.clear();
    const [first] = lefts;
    const own = idsOf(this.left.group, first);
    const shared = rights.map((rollout) => sharedTokens(own, idsOf(this.right.group, rollout)));
    const same = this.right.group === this.left.group && rights[0] === first;
    rights.forEach((rollout, place) => this.right.pane.partings.set(rollout, shared[place]));
    this.left.pane.partings.set(first, Math.min(...shared));
    this.summary.textContent = same ? "the same rollout on both sides: choose another signal on one side"
      : rights.length > 1 ? `${rights.length} rollouts; first divergence after token ${Math.min(...shared)}`
        : `the first ${shared[0]} tokens are identical (of ${first.length} and ${rights[0].length})`;
    this.view.paint();
  }

  follow() {
    this.left.follow();
    this.right.follow();
  }

  /** Both sides stand at the same height. @param {Pane} moved @param {Pane} other */
  together(moved, other) {
    if (this.right.pane.rollouts.length > 1 || moved.sheet.element.scrollTop === other.sheet.element.scrollTop) return;
    if (!moved.sheet.element.matches(":hover, :focus")) return; // follows the other side and must not lead it
    other.sheet.element.scrollTop = moved.sheet.element.scrollTop;
  }

  close() {
    for (const pane of this.panes) pane.close();
    this.element.remove();
  }
}

/** A rollout to compare with: the first with another reward, else the next. @param {Group} group @param {Rollout} rollout */
export function counterpartOf(group, rollout) {
  const others = group.rollouts.filter((each) => each !== rollout);
  return others.find((each) => each.reward !== null && each.reward !== rollout.reward) ?? others[0] ?? rollout;
}
