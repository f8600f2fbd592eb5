/** Which methods stand side by side: their heads, their cards from the kernel, and the list to choose from. */

import { MethodPicker } from "../page/picker.js";
import { withField } from "./entry.js";
import { MethodHead } from "./method.js";

/**
 * @typedef {import("./entry.js").Entry} Entry
 * @typedef {import("./entry.js").Card} Card
 * `arranged`: there are other columns; `changed`: the methods are others, `settled` unless something is being dragged.
 * @typedef {{ arranged: (heads: MethodHead[]) => void, changed: (settled: boolean) => void, tell: (text: string) => void, besides: (at: number) => HTMLElement }} Hooks
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

  /** A column for every method, with cards that are asked for anew. */
  arrange() {
    this.leave();
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
        if (field.kind === "piece") this.readCard(this.entries[at], this.heads[at], at); // another piece has other fields
      },
      pick: () => this.pick(at),
      copy: () => this.set(this.entries.toSpliced(at + 1, 0, this.entries[at]), at + 1),
      remove: () => this.set(this.entries.toSpliced(at, 1), Math.min(at, this.entries.length - 2)),
      reset: () => this.set(this.entries.with(at, { method: this.entries[at].method }), at),
    });
    head.number(at, this.entries.length, MOST);
    return head;
  }

  /** @param {Entry} entry @param {MethodHead} head @param {number} at */
  async readCard(entry, head, at) {
    try {
      const card = await this.source.ask({ kind: "method_card", entry });
      if (head !== this.heads[at]) return; // others stand there by now
      this.cards[at] = card;
      head.show(card);
    } catch (error) {
      head.fail(entry.method, /** @type {Error} */ (error).message);
    }
  }

  /** Other methods, by the reader; the focus goes to one of them. @param {Entry[]} entries @param {number} at */
  set(entries, at) {
    this.entries = entries;
    this.arrange();
    this.hooks.changed(true);
    this.heads[at].name.focus({ preventScroll: true });
  }

  /** Chooses the method of a column from all that there are now; of one that is not there yet: adds it. @param {number} at */
  async pick(at) {
    this.leave();
    const back = document.activeElement;
    const picker = new MethodPicker((key) => this.set(this.entries.toSpliced(at, 1, { method: key }), at), () => {
      this.leave();
      if (back instanceof HTMLElement) back.focus();
    });
    this.picker = picker;
    this.hooks.besides(at).append(picker.element);
    picker.show([]);
    try {
      picker.show((await this.source.ask({ kind: "methods" })).methods);
    } catch (error) {
      this.hooks.tell(/** @type {Error} */ (error).message);
    }
  }

  leave() {
    this.picker?.element.remove();
    this.picker = null;
  }
}
