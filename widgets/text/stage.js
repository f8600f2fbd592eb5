/** Where the token view's parts stand, and where it says things. */

import { describeToken } from "./card.js";
import { make } from "../page/dom.js";

const PAUSE = 250; // milliseconds of rest before a token is read out

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

  /** In place of the tokens. @param {string} text */
  say(text) {
    this.main.replaceChildren(make("p", { class: "wb-note", role: "status" }, text));
  }

  /** Above the tokens, until the next group. @param {string} text */
  tell(text) {
    this.notice.textContent = text;
    this.notice.hidden = !text;
  }

  /** Says a token to those who listen. @param {import("./pane.js").Place} place */
  announce(place) {
    clearTimeout(this.speaking);
    this.speaking = setTimeout(() => { this.live.textContent = describeToken(place); }, PAUSE);
  }

  close() {
    clearTimeout(this.speaking);
    this.root.remove();
  }
}
