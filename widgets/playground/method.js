/** The head of a column: the method, what it changes, and its hyper-parameters. */

import { make } from "../page/dom.js";
import { STOPS, parsed, placeOf, readPlain, valueAtPlace } from "./entry.js";
import { equation } from "./math.js";

/**
 * @typedef {import("./entry.js").Card} Card
 * @typedef {import("./entry.js").Field} Field
 * Actions: change a value (`settled`: false while dragging), choose another method, copy, remove, reset.
 * @typedef {{ change: (field: Field, value: any, settled: boolean) => void, pick: () => void, copy: () => void, remove: () => void, reset: () => void }} Actions
 */

const FIRST = 3; // fields that are always shown

export class MethodHead {
  /** @param {Actions} actions */
  constructor(actions) {
    this.actions = actions;
    this.place = make("b", { class: "wp-place" });
    this.name = make("button", { type: "button", class: "wp-pick", "aria-haspopup": "dialog", title: "choose another method", click: actions.pick });
    this.resets = make("button", { type: "button", hidden: true, title: "reset to the registered values", click: actions.reset }, "reset");
    this.copies = make("button", { type: "button", title: "add a copy of this method, to change its values", click: actions.copy }, "copy");
    this.removes = make("button", { type: "button", class: "wp-remove", "aria-label": "remove this method", title: "remove this method", click: actions.remove }, "×");
    this.body = make("div", { class: "wp-about" });
    this.element = make("div", { class: "wp-method" },
      make("div", { class: "wp-line" }, this.place, this.name, make("span", { class: "wb-spring" }), this.resets, this.copies, this.removes), this.body);
  }

  /** @param {number} place @param {number} count @param {number} most */
  setNumber(place, count, most) {
    this.place.textContent = String(place + 1);
    this.removes.hidden = count < 2;
    this.copies.disabled = count >= most;
  }

  /** @param {string} title */
  setTitle(title) {
    this.name.textContent = `${title} ▾`;
    this.name.setAttribute("aria-label", `method ${this.place.textContent}: ${title}; choose another`);
  }

  /** @param {Card} card */
  show(card) {
    this.setTitle(card.title);
    const first = card.fields.slice(0, FIRST);
    const rest = card.fields.slice(FIRST);
    const open = this.body.querySelector("details")?.open;
    const held = this.body.querySelector(":focus")?.closest("[data-field]")?.getAttribute("data-field");
    this.body.replaceChildren(
      make("p", { class: "wp-changes" }, card.changes, " ", make("span", { class: "wb-muted" }, `(${card.paper})`)),
      make("div", { class: "wp-equation", role: "math", "aria-label": card.equation, title: card.equation }, equation(card.equation)),
      make("div", { class: "wp-fields" }, first.map((field) => this.control(field))),
      ...(rest.length ? [make("details", { open }, make("summary", {}, `${rest.length} more field${rest.length === 1 ? "" : "s"}`),
        make("div", { class: "wp-fields" }, rest.map((field) => this.control(field))))] : []));
    this.mark();
    const again = held && this.body.querySelector(`[data-field="${held}"] :is(input, select, textarea)`);
    if (again instanceof HTMLElement) again.focus({ preventScroll: true });
  }

  /** Shows an error in place of the card. @param {string} key @param {string} error */
  fail(key, error) {
    this.setTitle(key);
    this.body.replaceChildren(make("p", { class: "wp-error", role: "alert" }, error));
    this.resets.hidden = false;
  }

  /** Shows the reset button while a value differs from the registered one. */
  mark() {
    this.resets.hidden = !this.body.querySelector(".wp-changed");
  }

  /** @param {Field} field */
  control(field) {
    const above = field.path.slice(0, -1).map((part) => (typeof part === "number" ? part + 1 : part)).join(" ");
    const where = [above, field.piece].filter(Boolean).join(", ");
    const row = make("label", { class: "wp-field", title: `${field.help}\n${where}`, "data-field": field.path.join(".") },
      make("span", { class: "wp-label" }, make("span", {}, field.label), make("span", { class: "wb-muted" }, ` ${field.piece.replaceAll("_", " ")}`)));
    const change = (/** @type {any} */ value, /** @type {boolean} */ settled) => {
      row.classList.toggle("wp-changed", value !== field.usual);
      this.mark();
      this.actions.change(field, value, settled);
    };
    row.classList.toggle("wp-changed", field.value !== field.usual);
    row.append(...this.inputs(field, where ? `${field.label} of ${where}` : field.label, change));
    return row;
  }

  /** @param {Field} field @param {string} label @param {(value: any, settled: boolean) => void} change @returns {HTMLElement[]} */
  inputs(field, label, change) {
    if (field.kind === "switch") {
      const box = make("input", { type: "checkbox", "aria-label": label, checked: field.value === true, change: () => change(box.checked, true) });
      return [box];
    }
    if (field.kind === "choice" || field.kind === "piece") {
      const menu = make("select", { "aria-label": label, change: () => change(field.choices.find((each) => String(each) === menu.value) ?? null, true) },
        field.optional ? make("option", { value: "" }, "none") : null,
        field.choices.map((each) => make("option", { value: each, selected: each === field.value }, String(each))));
      return [menu];
    }
    if (field.kind === "text" || field.kind === "plain") return [textInput(field, label, change)];
    return numberInputs(field, label, change);
  }
}

/** Words, over several lines where there are some; what is no text is written as JSON. @param {Field} field @param {string} label @param {(value: any, settled: boolean) => void} change */
function textInput(field, label, change) {
  const lines = String(field.value ?? "").includes("\n");
  const settings = { class: "wp-text", "aria-label": label, placeholder: field.optional ? "none" : null, rows: lines ? 3 : null,
    change: () => change(field.kind === "plain" ? readPlain(field, box.value) : box.value, true) };
  const box = lines ? make("textarea", settings) : make("input", { type: "text", ...settings });
  box.value = field.value ?? "";
  return box;
}

/** A slider and a box that follow each other. @param {Field} field @param {string} label @param {(value: any, settled: boolean) => void} change */
function numberInputs(field, label, change) {
  const box = make("input", { class: "wp-box", inputmode: "decimal", "aria-label": label, placeholder: field.optional ? "none" : null, value: field.value ?? "",
    change: () => { const value = parsed(field, box.value); move(value); change(value, true); } });
  const slide = (/** @type {boolean} */ settled) => {
    const value = valueAtPlace(field, Number(slider.value));
    box.value = String(value);
    move(value);
    change(value, settled);
  };
  const slider = make("input", { type: "range", min: 0, max: STOPS, "aria-label": `${label}, as a slider`, input: () => slide(false), change: () => slide(true) });
  const move = (/** @type {any} */ value) => {
    slider.value = String(placeOf(field, typeof value === "number" ? value : null));
    slider.setAttribute("aria-valuetext", value === null ? "none" : String(value));
  };
  move(field.value);
  return [slider, box];
}
