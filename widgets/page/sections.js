/** Below the curves: a row of buttons, each of which unfolds a section; a section is made when it is first opened. */

import { make } from "./dom.js";
import { rove } from "./rove.js";

/**
 * A section. `open` is called whenever it is unfolded, `fold` when it is folded; `refresh` where the run may have more by now.
 * @typedef {{ element: HTMLElement, open: () => any, fold?: () => void, refresh?: () => any, close: () => void }} Section
 * What makes a section; `host` is what the page around gives to all of them.
 * @typedef {{ title: string, help: string, made: (host: any) => Section | Promise<Section> }} Given
 */

let numbers = 0; // makes element ids unique

export class Sections {
  /** @param {HTMLElement} root @param {any} host @param {Given[]} given */
  constructor(root, host, given) {
    this.folds = given.map((each) => new Fold(each, host));
    const bar = make("div", { class: "wb-asks-bar", role: "group", "aria-label": "sections; left and right move between them" }, this.folds.map(({ button }) => button));
    this.folds.forEach(({ button }, place) => { button.tabIndex = place ? -1 : 0; });
    rove(bar);
    this.element = make("section", { class: "wb-asks", hidden: !given.length, "aria-label": "sections of this run" }, bar, this.folds.map(({ panel }) => panel));
    root.append(this.element);
  }

  /** The run has more on record: sections that are open may read it. */
  news() { for (const fold of this.folds) if (!fold.panel.hidden) fold.refresh(); }

  close() { for (const fold of this.folds) fold.section?.close(); }
}

/** A section whose script is loaded when it is opened. @param {{ module: string, title: string, help: string }} entry @returns {Given} */
export function loaded({ module, title, help }) {
  return { title, help, made: async (host) => {
    const { script, styles } = await host.source.keeping({ kind: "section", module });
    const address = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
    const whole = await import(address);
    URL.revokeObjectURL(address);
    const section = whole.default(host);
    section.element.prepend(make("style", {}, styles));
    return section;
  } };
}

/** A button that unfolds a section. */
class Fold {
  /** @type {Section | undefined} */
  section;

  /** @param {Given} given @param {any} host */
  constructor(given, host) {
    this.given = given;
    this.host = host;
    const id = `wb-ask-${(numbers += 1)}`;
    this.button = make("button", { type: "button", class: "wb-ask-open", "aria-expanded": "false", "aria-controls": id, title: given.help, click: () => this.turn() }, given.title);
    this.panel = make("div", { class: "wb-ask", id, role: "region", "aria-label": given.title, hidden: true,
      keydown: (event) => this.pressed(event), pointerenter: () => this.refresh() });
  }

  async turn() {
    const open = this.panel.hidden;
    this.panel.hidden = !open;
    this.button.setAttribute("aria-expanded", String(open));
    if (open && !this.section) await this.make();
    if (open) this.section?.open();
    else this.section?.fold?.();
  }

  async make() {
    try {
      const section = this.given.made(this.host);
      this.section = section instanceof Promise ? await section : section;
      this.panel.replaceChildren(this.section.element);
    } catch (error) {
      this.panel.replaceChildren(make("p", { class: "wb-ask-error", role: "alert" }, `${this.given.title} cannot be shown: ${error instanceof Error ? error.message : error}`));
    }
  }

  refresh() { return this.section?.refresh?.(); }

  /** Escape folds; in a list it closes the list. @param {KeyboardEvent} event */
  pressed(event) {
    const inList = event.target instanceof Element && event.target.closest("select, input[list]");
    if (event.key !== "Escape" || inList) return;
    event.stopPropagation(); // an enclosing application may listen too
    this.turn();
    this.button.focus();
  }
}
