/** The pinned card, and branching from another token. */

import { tokenCard } from "./card.js";
import { make } from "../page/dom.js";

const BRANCHES = 4; // rollouts of a branch

export class Dock {
  /** @type {HTMLElement} the state of a branch */
  status;

  /** @param {import("../tokens/token_view.js").TokenView} view */
  constructor(view) {
    this.view = view;
    this.element = make("aside", { class: "wb-dock", hidden: true, "aria-label": "pinned token" });
  }

  draw() {
    const { pinned } = this.view;
    this.element.hidden = !pinned;
    this.view.stage.body.classList.toggle("wb-docked", Boolean(pinned));
    if (!pinned) return this.element.replaceChildren();
    const recorded = pinned.pane.group.kind === "group"; // no branch of a branch
    const branch = this.view.source.branch && recorded ? (/** @type {number} */ id) => this.branch(id) : undefined;
    const card = tokenCard(pinned, { branch, choose: (at) => this.view.pin({ ...pinned, at }) });
    this.status = make("p", { class: "wb-muted", role: "status" });
    return this.element.replaceChildren(
      make("button", { type: "button", class: "wb-close", "aria-label": "unpin", title: "unpin  Esc", click: () => this.view.unpin() }, "×"), card, this.status);
  }

  /** Moves the focus to the first control of the card. */
  enter() {
    const [close, first] = this.element.querySelectorAll("button");
    (first ?? close)?.focus();
  }

  /** Samples continuations from another token in place of the pinned one, and shows them. @param {number} id */
  async branch(id) {
    const { view } = this;
    const place = view.pinned;
    if (!place) return;
    const { group } = place.pane;
    const text = (group.vocabulary[id]?.[0] ?? String(id)).trim() || "␣";
    this.status.textContent = `sampling ${BRANCHES} continuations from “${text}” …`;
    try {
      const payload = await view.source.branch({ step: group.step, rollout: place.rollout.rollout, at: place.at, token: id, n: BRANCHES });
      if (view.pinned !== place) return; // another token is pinned by now
      view.openCompare(place.rollout, { group: payload, source: `“${text}” at token ${place.at + 1}, ${payload.source}` });
    } catch (error) {
      this.status.textContent = `branch failed: ${/** @type {Error} */ (error).message}`;
    }
  }
}
