/** The card beside the token that is pointed at. */

import { tokenCard } from "./card.js";
import { make } from "../page/dom.js";

/** @typedef {import("./pane.js").Place} Place */

export class FloatingCard {
  constructor() {
    /** @type {Place | null} */
    this.place = null;
    this.element = make("div", { class: "wb-float", popover: "manual", "aria-hidden": "true" });
  }

  get open() {
    return this.element.matches(":popover-open");
  }

  /** @param {Place} place */
  show(place) {
    this.place = place;
    this.element.replaceChildren(tokenCard(place));
    if (!this.open) this.element.showPopover();
    this.follow();
  }

  /** Moves the card to its token; hides it where the token is out of view. */
  follow() {
    if (!this.place || !this.open) return;
    const { pane, passage, at } = this.place;
    const span = passage.span(at);
    const box = span?.getClientRects()[0] ?? span?.getBoundingClientRect();
    const around = pane.sheet.element.getBoundingClientRect();
    if (!box || box.bottom < around.top || box.top > around.bottom) return this.hide();
    const card = this.element.getBoundingClientRect();
    const below = box.bottom + 8;
    const above = box.top - card.height - 8;
    this.element.style.left = `${Math.max(8, Math.min(box.left, innerWidth - card.width - 12))}px`;
    this.element.style.top = `${below + card.height > innerHeight - 8 && above > 0 ? above : below}px`;
  }

  hide() {
    this.place = null;
    if (this.open) this.element.hidePopover();
  }
}
