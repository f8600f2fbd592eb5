/** Below the curves: prompt the model, evaluate checkpoints, fork the run. Three sections, closed at first and loaded when opened. */

import { EvaluatePanel } from "./evaluate.js";
import { ForkPanel } from "./fork.js";
import { PromptPanel } from "./prompt.js";
import { make } from "../page/dom.js";

/** @typedef {import("./parts.js").Host} Host @typedef {import("./parts.js").Section} Section */

/** @type {{ title: string, help: string, made: (host: Host) => Section }[]} */
const SECTIONS = [
  { title: "Prompt the model", help: "send a prompt to one checkpoint, or to two side by side", made: (host) => new PromptPanel(host) },
  { title: "Evaluate", help: "pass@1 and pass@k of checkpoints on held-out problems", made: (host) => new EvaluatePanel(host) },
  { title: "Fork", help: "continue from a checkpoint with other settings, as a new run", made: (host) => new ForkPanel(host) },
];
let numbers = 0; // makes element ids unique

export class CheckpointPanels {
  /** @param {HTMLElement} root @param {Host} host */
  constructor(root, host) {
    this.folds = SECTIONS.map((section) => new Fold(section, host));
    this.element = make("section", { class: "wb-asks", "aria-label": "checkpoints of this run" },
      make("div", { class: "wb-asks-bar" }, this.folds.map(({ button }) => button)), this.folds.map(({ panel }) => panel));
    root.append(this.element);
  }

  close() { for (const fold of this.folds) fold.section?.close(); }
}

/** A button that unfolds a section, which is made when first opened. */
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
      keydown: (event) => this.pressed(event), pointerenter: () => this.refresh() });
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

  /** The run may have saved more checkpoints by now. */
  async refresh() {
    try {
      await this.section?.kept.refresh();
    } catch (error) {
      this.section?.status.fail("The checkpoints cannot be read", error);
    }
  }

  /** Escape folds; in a list it closes the list. @param {KeyboardEvent} event */
  pressed(event) {
    const inList = event.target instanceof Element && event.target.closest("select, input[list]");
    if (event.key !== "Escape" || inList) return;
    event.stopPropagation(); // an enclosing application may listen too
    this.turn();
    this.button.focus();
  }
}
