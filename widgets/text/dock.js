/** The pinned card beside the text, and what it starts: a branch from another token. */

import { tokenCard } from "./card.js";
import { make } from "../page/dom.js";

const BRANCHES = 4; // rollouts of a branch

export class Dock {
  /** @type {HTMLElement} what is under way */
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

  /** The focus goes to the first thing that can be done here. */
  enter() {
    const [close, first] = this.element.querySelectorAll("button");
    (first ?? close)?.focus();
  }

  /** Writes another token in place of the pinned one, and shows how the model goes on. @param {number} id */
  async branch(id) {
    const { view } = this;
    const place = view.pinned;
    if (!place) return;
    const { group } = place.pane;
    const told = (group.vocabulary[id]?.[0] ?? String(id)).trim() || "␣";
    this.status.textContent = `writing ${BRANCHES} rollouts that go on from “${told}” …`;
    try {
      const payload = await view.source.branch({ step: group.step, rollout: place.rollout.rollout, at: place.at, token: id, n: BRANCHES });
      if (view.pinned !== place) return; // the reader went on
      view.openCompare(place.rollout, { group: payload, told: `“${told}” at token ${place.at + 1}, ${payload.told}` });
    } catch (error) {
      this.status.textContent = `no branch: ${/** @type {Error} */ (error).message}`;
    }
  }
}
