/** A searchable list of methods, to colour the tokens by the lens of one. */

import { make } from "./dom.js";

/** @typedef {{ key: string, title: string, changes: string, error?: string | null }} MethodEntry */

export class MethodPicker {
  /** @param {(key: string) => void} choose @param {() => void} cancel */
  constructor(choose, cancel) {
    this.choose = choose;
    this.cancel = cancel;
    /** @type {MethodEntry[]} */
    this.methods = [];
    this.list = make("div", { class: "wb-picker-list", role: "listbox", "aria-label": "methods" });
    this.box = make("input", { type: "search", class: "wb-picker-box", placeholder: "name or description", "aria-label": "search the methods", input: () => this.draw(), keydown: (event) => this.key(event) });
    this.element = make("div", { class: "wb-help wb-picker", role: "dialog", "aria-label": "lens of a method", keydown: (event) => this.key(event) },
      make("button", { type: "button", class: "wb-close", "aria-label": "close", click: cancel }, "×"),
      make("b", {}, "Lens of a method: its gradient weight on every token"), this.box, this.list);
  }

  /** @param {MethodEntry[]} methods */
  show(methods) {
    this.methods = methods;
    this.draw();
    this.box.focus();
  }

  draw() {
    const wanted = this.box.value.toLowerCase();
    const found = availableFirst(this.methods).filter(({ key, title, changes }) => `${key} ${title} ${changes}`.toLowerCase().includes(wanted));
    this.list.replaceChildren(...found.map((method) => make("button", { type: "button", role: "option", "aria-selected": "false", disabled: Boolean(method.error), title: method.error || null, click: () => this.choose(method.key) },
      make("b", {}, method.title), make("span", { class: "wb-muted" }, method.error || method.changes))));
    if (!found.length) this.list.append(make("p", { class: "wb-muted" }, this.methods.length ? "no method matches" : "loading the methods …"));
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    event.stopPropagation();
    const buttons = /** @type {HTMLButtonElement[]} */ ([...this.list.querySelectorAll("button:not(:disabled)")]);
    const place = buttons.indexOf(/** @type {any} */ (document.activeElement));
    if (event.key === "Escape") this.cancel();
    if (event.key === "ArrowDown") (buttons[place + 1] ?? buttons[0])?.focus();
    if (event.key === "ArrowUp") (buttons[place - 1] ?? this.box).focus();
    const chosen = event.key === "Enter" && event.target === this.box;
    if (chosen) buttons[0]?.click();
    if (chosen || ["ArrowDown", "ArrowUp"].includes(event.key)) event.preventDefault(); // or the element focused by now would be pressed
  }
}

/** Those whose lens can be had first. @param {MethodEntry[]} methods */
export function availableFirst(methods) {
  return [...methods.filter(({ error }) => !error), ...methods.filter(({ error }) => error)];
}
