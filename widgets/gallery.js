/** Every method on the same rollouts, those most unlike GRPO last; choosing one colours the tokens with its lens. */

import { make } from "./dom.js";
import { show } from "./signals.js";

export class Gallery {
  /** @param methods `[{key, title, changes, cosine, problem}]`, sorted; `problem` says why a lens is missing */
  constructor(root, methods, view) {
    this.view = view;
    this.buttons = methods.map((method) => this.entry(method));
    root.append(make("div", { class: "wb-gallery", role: "group", "aria-label": "methods" }, this.buttons));
  }

  entry(method) {
    const known = Number.isFinite(method.cosine);
    const width = known ? Math.abs(method.cosine) * 50 : 0;
    const left = known && method.cosine < 0 ? 50 - width : 50;
    return make("button", { type: "button", class: "wb-method", disabled: !known, title: method.problem ?? method.changes,
      click: (event) => this.choose(method, event.currentTarget), "aria-pressed": "false" },
    make("b", {}, method.title), make("span", { class: "wb-method-text" }, method.problem ?? method.changes),
    make("span", { class: "wb-cosine" }, make("span", { style: `left:${left}%;width:${width}%` })),
    make("span", { class: "wb-number" }, known ? show(method.cosine) : "–"));
  }

  choose(method, button) {
    for (const each of this.buttons) each.setAttribute("aria-pressed", String(each === button));
    this.view.showSignal(`lens:${method.key}`);
  }
}
