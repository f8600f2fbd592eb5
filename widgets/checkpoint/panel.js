/** Below the curves: what one may ask a run's model. Three sections that are closed at first and ask nothing before. */

import { AskEvaluate } from "./evaluate.js";
import { AskFork } from "./fork.js";
import { AskTry } from "./prompt.js";
import { make } from "../page/dom.js";

/** @typedef {import("./parts.js").Host} Host @typedef {import("./parts.js").Section} Section */

/** @type {{ title: string, help: string, made: (host: Host) => Section }[]} */
const SECTIONS = [
  { title: "Try the model", help: "ask it something, now and as it was before", made: (host) => new AskTry(host) },
  { title: "Evaluate", help: "pass@1 and pass@k of checkpoints on held-out problems", made: (host) => new AskEvaluate(host) },
  { title: "Fork", help: "go on from a checkpoint with other settings, as a new run", made: (host) => new AskFork(host) },
];
let numbers = 0; // of elements that others name

export class Asks {
  /** @param {HTMLElement} root @param {Host} host */
  constructor(root, host) {
    this.folds = SECTIONS.map((section) => new Fold(section, host));
    this.element = make("section", { class: "wb-asks", "aria-label": "ask this run's model" },
      make("div", { class: "wb-asks-bar" }, this.folds.map(({ button }) => button)), this.folds.map(({ panel }) => panel));
    root.append(this.element);
  }

  close() { for (const fold of this.folds) fold.section?.close(); }
}

/** A button that unfolds a section; it is made when it is first wanted. */
class Fold {
  /** @type {Section | undefined} */
  section;

  /** @param {typeof SECTIONS[number]} given @param {Host} host */
  constructor(given, host) {
    this.given = given;
    this.host = host;
    const id = `wb-ask-${(numbers += 1)}`;
    this.button = make("button", { type: "button", class: "wb-ask-open", "aria-expanded": "false", "aria-controls": id, title: given.help, click: () => this.turn() }, given.title);
    this.panel = make("div", { class: "wb-ask", id, role: "region", "aria-label": given.title, hidden: true,
      keydown: (event) => this.pressed(event), pointerenter: () => this.renew() });
  }

  turn() {
    const open = this.panel.hidden;
    this.panel.hidden = !open;
    this.button.setAttribute("aria-expanded", String(open));
    if (open && !this.section) {
      this.section = this.given.made(this.host);
      this.panel.append(this.section.element);
    }
    if (open) this.section?.open();
    else this.section?.fold?.();
  }

  /** The run may have kept more by now. */
  async renew() {
    try {
      await this.section?.kept.look();
    } catch (error) {
      this.section?.told.fail("The checkpoints cannot be read", error);
    }
  }

  /** Escape folds; in a list it closes the list. @param {KeyboardEvent} event */
  pressed(event) {
    const inList = event.target instanceof Element && event.target.closest("select, input[list]");
    if (event.key !== "Escape" || inList) return;
    event.stopPropagation(); // an application around may hear it too
    this.turn();
    this.button.focus();
  }
}
