/** Every method on the same rollouts, ordered by similarity to GRPO; choosing one colours the tokens by its lens. */

import { make } from "../page/dom.js";
import { show } from "../page/signals.js";

/**
 * `error` says why a lens is missing.
 * @typedef {{ key: string, title: string, changes: string, cosine: number | null, error?: string | null }} GalleryMethod
 */

export class Gallery {
  /** @param {HTMLElement} root @param {GalleryMethod[]} methods sorted @param {import("../tokens/token_view.js").TokenView} view */
  constructor(root, methods, view) {
    this.view = view;
    this.buttons = methods.map((method) => this.entry(method));
    root.append(make("div", { class: "wb-gallery", role: "group", "aria-label": "methods" }, this.buttons));
  }

  /** @param {GalleryMethod} method */
  entry(method) {
    const cosine = method.cosine ?? NaN;
    const known = Number.isFinite(cosine);
    const width = known ? Math.abs(cosine) * 50 : 0;
    const left = cosine < 0 ? 50 - width : 50;
    return make("button", { type: "button", class: "wb-method", disabled: !known, title: method.error ?? method.changes,
      click: (event) => this.choose(method, event.currentTarget), "aria-pressed": "false" },
    make("b", {}, method.title), make("span", { class: "wb-method-text" }, method.error ?? method.changes),
    make("span", { class: "wb-cosine" }, make("span", { style: `left:${left}%;width:${width}%` })),
    make("span", { class: "wb-number" }, known ? show(cosine) : "–"));
  }

  /** @param {GalleryMethod} method @param {EventTarget | null} button */
  choose(method, button) {
    for (const each of this.buttons) each.setAttribute("aria-pressed", String(each === button));
    this.view.showSignal(`lens:${method.key}`);
  }
}
