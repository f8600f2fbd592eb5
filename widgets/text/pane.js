/** The rollouts of a group, or one of them, coloured by a signal: a sheet of tokens with its minimap. */

import { make } from "../page/dom.js";
import { Faces, fontOf } from "../page/faces.js";
import { Minimap } from "./minimap.js";
import { Shades, idsOf } from "./shades.js";
import { Sheet } from "./sheet.js";
import { describeSignals, limitsOf, paintClass, signalOf } from "../page/signals.js";

/**
 * @typedef {import("../wire/payload.js").Group} Group
 * @typedef {import("../wire/payload.js").Rollout} Rollout
 * @typedef {import("./sheet.js").Passage} Passage
 * The signal that is shown, its limits, and what is coloured as one.
 * @typedef {{ signal: import("../page/signals.js").Signal, limits: import("../page/signals.js").Limits | null, grouping: string }} Look
 * A token in the view.
 * @typedef {{ pane: Pane, passage: Passage, rollout: Rollout, at: number }} Place
 * Who stands around: what is pointed at, what stands beside and below a rollout, who follows the lines that are drawn.
 * @typedef {{ place: Place | null, pinned: Place | null, drawn?: () => void, head?: (group: Group, rollout: Rollout) => HTMLElement, foot: (rollout: Rollout) => HTMLElement | null }} Around
 */

export class Pane {
  /** @type {Group} */
  group;
  /** @type {Rollout[]} */
  rollouts = [];
  /** @type {string} of the signal */
  name;
  /** @type {string} */
  grouping;
  /** @type {Shades} */
  shades;
  /** @type {Faces} */
  faces;
  /** @type {Look} */
  look;

  /** @param {Around} around @param {string} label */
  constructor(around, label) {
    this.around = around;
    /** @type {Map<string, string>} classes of levels, for speed */
    this.paints = new Map();
    /** @type {Map<Rollout, number>} where each rollout leaves the one it is compared with */
    this.partings = new Map();
    /** @type {Uint8Array | null} found places */
    this.marks = null;
    this.heads = true;
    this.sheet = new Sheet({ label, class: "wb-rollouts", dress: (passage, at) => this.dress(passage, at), drawn: () => { this.map.follow(); this.around.drawn?.(); } });
    this.map = new Minimap(this.sheet);
    this.element = make("div", { class: "wb-pane" }, make("div", { class: "wb-scroll" }, this.sheet.element, this.map.element));
  }

  /** @param {Group} group @param {Rollout[]} rollouts @param {{ name: string, grouping: string }} shown signal and grouping */
  show(group, rollouts, { name, grouping }) {
    const same = this.group === group;
    if (group.described) describeSignals(group.described);
    this.group = group;
    this.rollouts = rollouts;
    this.name = name;
    this.grouping = grouping;
    if (!same) {
      this.shades = new Shades(group);
      this.marks = null;
      this.partings.clear();
    }
    this.faces = this.measure();
    this.map.expect(rollouts.reduce((sum, { length }) => sum + length, 0));
    this.sheet.fill(rollouts.map((rollout) => this.text(rollout)));
  }

  /** @param {Rollout} rollout @returns {import("./sheet.js").Text} */
  text(rollout) {
    const { group, shades, faces } = this;
    const ids = idsOf(group, rollout);
    const reading = this.grouping === "token" ? null : shades.texts;
    const laid = Array.from(ids, (id, at) => {
      const entry = group.vocabulary[id];
      if (!entry?.[2]) return faces.of(id, entry);
      return reading ? faces.face(entry, reading[rollout.start + at]) : faces.spelled(id, entry, shades.spelling[rollout.start + at]);
    });
    return {
      rollout, count: laid.length, faceAt: (at) => laid[at], label: `rollout ${rollout.rollout}`,
      read: (from, to) => shades.texts.slice(rollout.start + from, rollout.start + to).join(""),
      head: this.heads ? this.around.head?.(group, rollout) : null, foot: this.around.foot(rollout),
    };
  }

  /** Faces of this group's tokens in the font of the page. */
  measure() {
    const font = fontOf(this.sheet.element, 14);
    const known = this.faces && this.faces.font === font && this.measured === this.group;
    this.measured = this.group;
    return known ? this.faces : new Faces(font);
  }

  /** Other units of text; the place in the text stays. @param {string} grouping */
  regroup(grouping) {
    const { scrollTop } = this.sheet.element;
    this.show(this.group, this.rollouts, { name: this.name, grouping });
    this.sheet.element.scrollTop = scrollTop;
  }

  get signal() {
    return signalOf(this.name, this.group.columns[this.name] ?? []);
  }

  /** What the limits are taken from. */
  scale() {
    return this.shades.scale(this.name, this.grouping);
  }

  /** Limits of these numbers alone. */
  limits() {
    return this.shades.once(`limits ${this.name} ${this.grouping}`, () => limitsOf(this.signal, this.scale()));
  }

  /** Colours all tokens. @param {import("../page/signals.js").Limits | null} limits */
  paint(limits) {
    /** @type {Look} */
    this.look = { signal: this.signal, limits, grouping: this.grouping };
    this.levels = this.shades.levels(this.look.signal, limits, this.grouping);
    this.paints.clear();
    this.sheet.element.dataset.grouping = this.grouping;
    this.sheet.redress();
    this.repaintMap();
  }

  repaintMap() {
    if (this.levels) this.map.show(this.levels, this.look.signal.scale === "signed", this.marks);
  }

  /** Classes of a token. @param {Passage} passage @param {number} at */
  dress(passage, at) {
    const { rollout } = passage;
    const place = rollout.start + at;
    let name = this.levels ? this.paintOf(this.levels[place]) : "";
    if (!this.group.columns.trained[place]) name += " wb-untrained";
    if (this.marks?.[place]) name += " wb-hit";
    if (this.partings.get(rollout) === at) name += " wb-parting";
    const { place: here, pinned } = this.around;
    if (here && here.pane === this && here.rollout === rollout) name += this.within(place, rollout.start + here.at, "wb-at");
    if (pinned && pinned.rollout === rollout && pinned.at === at) name += " wb-pinned";
    return name;
  }

  /** @param {number} level */
  paintOf(level) {
    let name = this.paints.get(String(level));
    if (name === undefined) this.paints.set(String(level), name = ` ${paintClass(this.look.signal, level)}`);
    return name;
  }

  /** The mark of the current token, and of its unit's other tokens. @param {number} place @param {number} here @param {string} name */
  within(place, here, name) {
    if (place === here) return ` ${name}`;
    if (this.grouping === "token") return "";
    const first = this.shades.units(this.grouping);
    return first[place] === first[here] ? ` ${name}-unit` : "";
  }

  /** @param {Rollout} rollout */
  passageOf(rollout) {
    return this.sheet.passages.find((passage) => passage.rollout === rollout);
  }

  close() {
    this.sheet.close();
    this.element.remove();
  }
}
