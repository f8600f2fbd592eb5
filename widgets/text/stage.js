/** The layout of the token view, its messages and announcements. */

import { describeToken } from "./card.js";
import { make } from "../page/dom.js";

const PAUSE = 250; // milliseconds before a token is announced

export class Stage {
  /** @type {any} timer of what is read out */
  speaking;

  constructor() {
    this.root = make("section", { class: "wb-view", "aria-label": "tokens of rollouts" });
    this.main = make("div", { class: "wb-main" });
    this.body = make("div", { class: "wb-body" });
    this.live = make("div", { class: "wb-hidden", "aria-live": "polite" });
    this.notice = make("p", { class: "wb-notice", role: "status", hidden: true });
  }

  /** @param {{ toolbar: HTMLElement, list: HTMLElement, dock: HTMLElement, card: HTMLElement }} parts */
  arrange({ toolbar, list, dock, card }) {
    this.body.append(list, this.main, dock);
    this.root.append(toolbar, this.notice, this.body, card, this.live);
  }

  /** Shows a message in place of the tokens. @param {string} text */
  showMessage(text) {
    this.main.replaceChildren(make("p", { class: "wb-note", role: "status" }, text));
  }

  /** Shows a notice above the tokens, until the next group. @param {string} text */
  notify(text) {
    this.notice.replaceChildren(text, make("button", { type: "button", class: "wb-close", "aria-label": "dismiss", click: () => this.notify("") }, "×"));
    this.notice.hidden = !text;
  }

  /** Announces a token to screen readers. @param {import("./pane.js").Place} place */
  announce(place) {
    clearTimeout(this.speaking);
    this.speaking = setTimeout(() => { this.live.textContent = describeToken(place); }, PAUSE);
  }

  close() {
    clearTimeout(this.speaking);
    this.root.remove();
  }
}
