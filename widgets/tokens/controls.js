/** The toolbar of the token view, and the sheets that open below it: help, and the method picker. */

import { make } from "../page/dom.js";
import { MethodPicker } from "../page/picker.js";
import { LENS, nameMethods } from "../page/signals.js";
import { RECORD, StepPanel } from "../step/panel.js";
import { SearchSheet } from "../text/search.js";
import { groupingControl, helpSheet, legend, signalControl, stepControl } from "../text/toolbar.js";

/** @typedef {import("../text/pane.js").Pane} Pane @typedef {import("../page/signals.js").Limits} Limits */

export class Controls {
  /** @type {Record<"step" | "signal" | "grouping" | "legend", HTMLElement> | undefined} made when first drawn */
  slots;
  /** @type {{ steps: number[], step: number } | undefined} */
  stepsShown;

  /** @param {import("./token_view.js").TokenView} view */
  constructor(view) {
    this.view = view;
    /** @type {Map<string, Limits | null>} locked limits, by signal and grouping */
    this.locks = new Map();
    this.element = make("div", { class: "wb-toolbar", role: "toolbar", "aria-label": "display" });
    /** @type {HTMLElement | null} what is open below */
    this.sheet = null;
    this.effect = new StepPanel(view);
    this.opener = make("button", { type: "button", click: () => this.toggleStep() }, "effect");
  }

  /** Whether a sheet is open, or the focus is in the effect panel. */
  get busy() {
    return this.sheet !== null || this.effect.busy;
  }

  /** Opens or closes the effect panel above the tokens. */
  toggleStep() {
    if (this.opener.disabled && !this.effect.open) return this.view.notify(`This run did not record what its steps changed. ${RECORD}`);
    this.effect.toggle();
    return this.draw();
  }

  /** The locked limits of a pane; undefined where there are none. @param {Pane} pane */
  lockOf(pane) {
    return this.locks.get(keyOf(pane));
  }

  toggleLock() {
    const [pane] = this.view.panes;
    if (!this.locks.delete(keyOf(pane))) this.locks.set(keyOf(pane), pane.look.limits);
    this.view.paint();
  }

  /** Redraws the parts that change; the find box and the focus stay. */
  draw() {
    const { view } = this;
    const [pane] = view.panes;
    const active = /** @type {HTMLElement | null} */ (document.activeElement);
    const [button, slot] = [active?.dataset?.signal, active?.closest(".wb-slot")];
    this.slots ??= this.make();
    this.drawSteps(this.slots.step);
    this.slots.signal.replaceChildren(signalControl(view.group.signals, view.signalName, (name) => view.showSignal(name), view.source.methods ? () => this.pickLens() : null));
    this.slots.grouping.replaceChildren(groupingControl(view.grouping, (grouping) => view.showGrouping(grouping)));
    this.slots.legend.replaceChildren(legend(pane.look, this.locks.has(keyOf(pane)), () => this.toggleLock()));
    const again = button ? this.element.querySelector(`[data-signal="${button}"]`) : slot?.querySelector("select");
    if (again instanceof HTMLElement) again.focus();
    this.opener.disabled = view.boardShown.effect === false;
    this.opener.title = this.opener.disabled ? `not recorded. ${RECORD}` : "effect of the update on its tokens: Δ log-prob beside the gradient weight  w";
    this.opener.setAttribute("aria-pressed", String(this.effect.open));
    this.effect.update();
  }

  /** A run may have thousands of steps: they are redrawn only when they change. @param {HTMLElement} slot */
  drawSteps(slot) {
    const { steps, step } = this.view;
    if (this.stepsShown?.steps === steps && this.stepsShown.step === step) return;
    this.stepsShown = { steps, step };
    slot.replaceChildren(stepControl(steps, step, (chosen) => this.view.chooseStep(chosen)));
  }

  make() {
    const { view } = this;
    const slot = () => make("span", { class: "wb-slot" });
    const slots = { step: slot(), signal: slot(), grouping: slot(), legend: slot() };
    const compare = make("button", { type: "button", title: "compare two rollouts, steps or signals side by side  c", click: () => view.toggleCompare() }, "compare");
    const help = make("button", { type: "button", class: "wb-round", title: "keys and marks  ?", "aria-label": "help", click: () => this.toggleHelp() }, "?");
    this.element.append(slots.step, slots.signal, slots.grouping, slots.legend, make("span", { class: "wb-tools" }, this.opener, compare, view.finder.element, help));
    return slots;
  }

  /** @param {HTMLElement} sheet */
  open(sheet) {
    this.closeSheet();
    this.sheet = sheet;
    this.element.after(sheet);
  }

  closeSheet() {
    const inside = this.sheet?.contains(document.activeElement);
    this.sheet?.remove();
    this.sheet = null;
    if (inside) this.view.focus();
  }

  toggleHelp() {
    if (this.sheet) this.closeSheet();
    else this.open(helpSheet(() => this.closeSheet()));
  }

  /** Searches the step, then as the reader wants all steps. @param {string} text */
  openSearch(text) {
    const { view } = this;
    const sheet = new SearchSheet({ close: () => this.closeSheet(), search: (whole) => this.search(sheet, text, whole), go: async (hit) => {
      this.closeSheet();
      await (hit.step === view.step ? view.showGroup(hit.group) : view.chooseStep(hit.step, hit.group));
      const rollout = view.group.rollouts.find((each) => each.rollout === hit.rollout);
      const found = view.finder.hits.find(({ passage }) => passage.rollout === rollout);
      if (rollout) view.board.read([rollout], found?.from ?? 0);
    } });
    this.open(sheet.element);
    return this.search(sheet, text, false);
  }

  /** @param {SearchSheet} sheet @param {string} text @param {boolean} whole */
  async search(sheet, text, whole) {
    const { view } = this;
    sheet.wait(text, whole);
    try {
      sheet.show(await view.source.find(text, whole ? null : view.step));
    } catch (error) {
      sheet.status.textContent = /** @type {Error} */ (error).message;
    }
  }

  /** The lens of any method, in place of the signal that is shown. */
  pickLens() {
    this.draw(); // resets the menu to the current signal
    return this.pickMethod((name) => this.view.showSignal(name));
  }

  /** Lets the reader choose a method. @param {(name: string) => void} choose called with the name of its lens */
  async pickMethod(choose) {
    const picker = new MethodPicker((key) => { this.closeSheet(); choose(LENS + key); }, () => this.closeSheet());
    this.open(picker.element);
    picker.show([]);
    try {
      const methods = await this.view.source.methods(this.view.step, this.view.group.group);
      nameMethods(methods);
      picker.show(methods);
    } catch (error) {
      this.closeSheet();
      this.view.notify(/** @type {Error} */ (error).message);
    }
  }
}

/** @param {Pane} pane */
function keyOf(pane) {
  return `${pane.name} ${pane.grouping}`;
}
