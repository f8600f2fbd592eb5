/** Chooses a method, so that its lens colours the tokens. */

import { make } from "./dom.js";

/** @typedef {{ key: string, title: string, changes: string, problem?: string | null }} MethodEntry */

export class MethodPicker {
  /** @param {(key: string) => void} choose @param {() => void} leave */
  constructor(choose, leave) {
    this.choose = choose;
    this.leave = leave;
    /** @type {MethodEntry[]} */
    this.methods = [];
    this.list = make("div", { class: "wb-picker-list", role: "listbox", "aria-label": "methods" });
    this.box = make("input", { type: "search", class: "wb-picker-box", placeholder: "method, or what it changes", "aria-label": "search the methods", input: () => this.draw(), keydown: (event) => this.key(event) });
    this.element = make("div", { class: "wb-help wb-picker", role: "dialog", "aria-label": "lens of a method", keydown: (event) => this.key(event) },
      make("button", { type: "button", class: "wb-close", "aria-label": "close", click: leave }, "×"),
      make("b", {}, "Lens of a method: what it would tell every token"), this.box, this.list);
  }

  /** @param {MethodEntry[]} methods */
  show(methods) {
    this.methods = methods;
    this.draw();
    this.box.focus();
  }

  draw() {
    const wanted = this.box.value.toLowerCase();
    const found = this.methods.filter(({ key, title, changes }) => `${key} ${title} ${changes}`.toLowerCase().includes(wanted));
    this.list.replaceChildren(...found.map((method) => make("button", { type: "button", role: "option", "aria-selected": "false", disabled: Boolean(method.problem), click: () => this.choose(method.key) },
      make("b", {}, method.title), make("span", { class: "wb-muted" }, method.problem ?? method.changes))));
    if (!found.length) this.list.append(make("p", { class: "wb-muted" }, this.methods.length ? "no method is called that" : "asking the kernel for the methods …"));
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    event.stopPropagation();
    const buttons = /** @type {HTMLButtonElement[]} */ ([...this.list.querySelectorAll("button:not(:disabled)")]);
    const place = buttons.indexOf(/** @type {any} */ (document.activeElement));
    if (event.key === "Escape") this.leave();
    if (event.key === "ArrowDown") (buttons[place + 1] ?? buttons[0])?.focus();
    if (event.key === "ArrowUp") (buttons[place - 1] ?? this.box).focus();
    const chosen = event.key === "Enter" && event.target === this.box;
    if (chosen) buttons[0]?.click();
    if (chosen || ["ArrowDown", "ArrowUp"].includes(event.key)) event.preventDefault(); // or what has the focus by now would be pressed
  }
}
