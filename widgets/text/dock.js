/** The pinned card, beside the text or, where the view is narrow, beside its token; and branching from another token. */

import { tokenCard } from "./card.js";
import { placeBeside } from "./float.js";
import { make } from "../page/dom.js";

const BRANCHES = 4; // rollouts of a branch
const ROOM = 1180; // pixels of the view from which on the card has a column of its own

export class Dock {
  /** @type {import("./pane.js").Place | null} */
  pinned = null;
  /** @type {HTMLElement} the state of a branch */
  status;

  /** @param {import("../tokens/token_view.js").TokenView} view */
  constructor(view) {
    this.view = view;
    this.element = make("aside", { class: "wb-dock", hidden: true, "aria-label": "pinned token" });
    this.moved = () => this.follow();
    this.sizes = new ResizeObserver(() => this.arrange());
    this.sizes.observe(view.stage.root);
  }

  /** Whether there is no room for a column of its own. */
  get narrow() { return this.view.stage.root.clientWidth < ROOM; }

  get afloat() { return this.element.matches(":popover-open"); }

  /** Beside the text, or over it beside its token, so that no line of text moves. */
  arrange() {
    const { pinned } = this;
    const float = Boolean(pinned) && this.narrow;
    this.view.stage.body.classList.toggle("wb-docked", Boolean(pinned) && !float);
    if (float === this.afloat) return this.follow();
    if (!float) {
      if (this.afloat) this.element.hidePopover();
      this.element.removeAttribute("popover");
      this.element.removeAttribute("style");
      return removeEventListener("scroll", this.moved, true);
    }
    this.element.popover = "manual";
    this.element.showPopover();
    addEventListener("scroll", this.moved, { capture: true, passive: true });
    return this.follow();
  }

  /** The floating card goes with its token, and is out of sight where that is. */
  follow() {
    const { pinned } = this;
    if (!pinned || !this.afloat) return;
    const pane = this.view.panes.find((each) => each.group === pinned.pane.group && each.passageOf(pinned.rollout));
    const seen = pane && placeBeside(this.element, pane.passageOf(pinned.rollout)?.span(pinned.at), pane);
    this.element.classList.toggle("wb-out-of-sight", !seen);
  }

  /** Keeps a token's card. @param {import("./pane.js").Place} place @param {boolean} enter by key: the focus goes to the card */
  pin(place, enter = false) {
    const inside = this.element.contains(document.activeElement);
    this.pinned = place;
    this.view.card.hide();
    this.view.redress();
    this.draw();
    if (enter) this.enter();
    else if (inside) this.view.focus();
  }

  unpin() {
    const inside = this.element.contains(document.activeElement);
    this.pinned = null;
    this.view.redress();
    this.draw();
    if (inside) this.view.focus();
  }

  draw() {
    const { pinned } = this;
    this.element.hidden = !pinned;
    if (!pinned) {
      this.arrange();
      return this.element.replaceChildren();
    }
    const recorded = pinned.pane.group.kind === "group"; // no branch of a branch
    const branch = this.view.source.branch && recorded ? (/** @type {number} */ id) => this.branch(id) : undefined;
    const card = tokenCard(pinned, { branch, choose: (at) => this.pin({ ...pinned, at }) });
    this.status = make("p", { class: "wb-muted", role: "status" });
    this.element.replaceChildren(
      make("button", { type: "button", class: "wb-close", "aria-label": "unpin", title: "unpin  Esc", click: () => this.unpin() }, "×"), card, this.status);
    return this.arrange();
  }

  close() {
    this.sizes.disconnect();
    removeEventListener("scroll", this.moved, true);
  }

  /** Moves the focus to the first control of the card. */
  enter() {
    const [close, first] = this.element.querySelectorAll("button");
    (first ?? close)?.focus();
  }

  /** Samples continuations from another token in place of the pinned one, and shows them. @param {number} id */
  async branch(id) {
    const { view } = this;
    const place = this.pinned;
    if (!place) return;
    const { group } = place.pane;
    const text = (group.vocabulary[id]?.[0] ?? String(id)).trim() || "␣";
    this.status.textContent = `sampling ${BRANCHES} continuations from “${text}” …`;
    this.status.scrollIntoView({ block: "nearest" });
    try {
      const payload = await view.source.branch({ step: group.step, rollout: place.rollout.rollout, at: place.at, token: id, n: BRANCHES });
      if (this.pinned !== place) return; // another token is pinned by now
      if (this.afloat) this.unpin(); // it would lie over what it asked for
      view.openCompare(place.rollout, { group: payload, source: `“${text}” at token ${place.at + 1}, ${payload.source}` });
    } catch (error) {
      this.status.textContent = `branch failed: ${/** @type {Error} */ (error).message}`;
    }
  }
}
