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
    if (!placeBeside(this.element, this.place.passage.span(this.place.at), this.place.pane)) this.hide();
  }

  hide() {
    this.place = null;
    if (this.open) this.element.hidePopover();
  }
}

const EDGE = 8; // pixels between a card and its token, or the window

/** Puts a card below a token, or above it where there is more room, within the window; false where the token is out of view.
 * @param {HTMLElement} element @param {HTMLElement | null | undefined} span of the token @param {import("./pane.js").Pane} pane it stands in */
export function placeBeside(element, span, pane) {
  const box = span?.getClientRects()[0] ?? span?.getBoundingClientRect();
  const around = pane.sheet.element.getBoundingClientRect();
  if (!box || box.bottom < around.top || box.top > around.bottom || box.bottom < 0 || box.top > innerHeight) return false;
  element.style.maxHeight = "none";
  const card = element.getBoundingClientRect();
  const [above, below] = [box.top - 2 * EDGE, innerHeight - box.bottom - 2 * EDGE];
  const under = card.height <= below || below >= above;
  const height = Math.min(card.height, under ? below : above);
  element.style.maxHeight = `${height}px`;
  element.style.left = `${Math.max(EDGE, Math.min(box.left, innerWidth - card.width - 12))}px`;
  element.style.top = `${under ? box.bottom + EDGE : box.top - height - EDGE}px`;
  return true;
}
