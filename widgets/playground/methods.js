/** The methods side by side: their heads, their cards from the kernel, and the picker. */

import { MethodPicker } from "../page/picker.js";
import { withField } from "./entry.js";
import { MethodHead } from "./method.js";

/**
 * @typedef {import("./entry.js").Entry} Entry
 * @typedef {import("./entry.js").Card} Card
 * `arranged`: the columns are new; `changed`: a method has changed, `settled` unless a slider is being dragged.
 * @typedef {{ arranged: (heads: MethodHead[]) => void, changed: (settled: boolean) => void, notify: (text: string) => void, besides: (at: number) => HTMLElement }} Hooks
 */

const MOST = 4; // as `playground.py` has it

export class Methods {
  /** @param {import("../wire/source.js").KernelSource} source @param {Entry[]} entries @param {Hooks} hooks */
  constructor(source, entries, hooks) {
    this.source = source;
    this.entries = entries;
    this.hooks = hooks;
    /** @type {MethodHead[]} */
    this.heads = [];
    /** @type {(Card | null)[]} */
    this.cards = [];
    /** @type {MethodPicker | null} */
    this.picker = null;
  }

  /** Whether there is no room for another. */
  get full() {
    return this.entries.length >= MOST;
  }

  /** Makes a column for every method and loads its card. */
  arrange() {
    this.closePicker();
    this.heads = this.entries.map((_, at) => this.head(at));
    this.cards = this.entries.map(() => null);
    this.hooks.arranged(this.heads);
    this.entries.forEach((entry, at) => this.readCard(entry, this.heads[at], at));
  }

  /** @param {number} at */
  head(at) {
    const head = new MethodHead({
      change: (field, value, settled) => {
        this.entries = this.entries.with(at, withField(this.entries[at], /** @type {Card} */ (this.cards[at]), field, value));
        this.hooks.changed(settled);
        if (field.kind === "piece") this.readCard(this.entries[at], this.heads[at], at); // another piece has different fields
      },
      pick: () => this.pick(at),
      copy: () => this.set(this.entries.toSpliced(at + 1, 0, this.entries[at]), at + 1),
      remove: () => this.set(this.entries.toSpliced(at, 1), Math.min(at, this.entries.length - 2)),
      reset: () => this.set(this.entries.with(at, { method: this.entries[at].method }), at),
    });
    head.setNumber(at, this.entries.length, MOST);
    return head;
  }

  /** @param {Entry} entry @param {MethodHead} head @param {number} at */
  async readCard(entry, head, at) {
    try {
      const card = await this.source.ask({ kind: "method_card", entry });
      if (head !== this.heads[at]) return; // the column was replaced meanwhile
      this.cards[at] = card;
      head.show(card);
    } catch (error) {
      head.fail(entry.method, /** @type {Error} */ (error).message);
    }
  }

  /** Replaces the methods; the focus goes to one of them. @param {Entry[]} entries @param {number} at */
  set(entries, at) {
    this.entries = entries;
    this.arrange();
    this.hooks.changed(true);
    this.heads[at].name.focus({ preventScroll: true });
  }

  /** Lets the reader choose the method of a column, or of a new one. @param {number} at */
  async pick(at) {
    this.closePicker();
    const back = document.activeElement;
    const picker = new MethodPicker((key) => this.set(this.entries.toSpliced(at, 1, { method: key }), at), () => {
      this.closePicker();
      if (back instanceof HTMLElement) back.focus();
    });
    this.picker = picker;
    this.hooks.besides(at).append(picker.element);
    picker.show([]);
    try {
      picker.show((await this.source.ask({ kind: "methods" })).methods);
    } catch (error) {
      this.hooks.notify(/** @type {Error} */ (error).message);
    }
  }

  closePicker() {
    this.picker?.element.remove();
    this.picker = null;
  }
}
