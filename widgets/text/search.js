/** What a search over a step or the whole run found: counts, and a line for every rollout. */

import { make } from "../page/dom.js";
import { visible } from "../page/tokens.js";

/**
 * @typedef {{ step: number, group: number, rollout: number, grade: string, excerpt: [string, string, string] }} Hit
 * @typedef {{ hits: Hit[], counts: Record<string, number>, rollouts: number, unreadable: number[] }} Found
 */

/** "12 of 408 rollouts: 8 correct, 4 incorrect". @param {Found} found */
export function countsText({ counts, rollouts, unreadable }) {
  const all = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const parts = Object.entries(counts).filter(([, count]) => count).map(([grade, count]) => `${count} ${grade}`);
  const lost = unreadable.length ? `; unreadable: step ${unreadable.join(", ")}` : "";
  return `${all} of ${rollouts.toLocaleString("en")} rollouts${parts.length ? `: ${parts.join(", ")}` : ""}${lost}`;
}

export class SearchSheet {
  /** @param {{ search: (whole: boolean) => void, go: (hit: Hit) => void, close: () => void }} actions */
  constructor(actions) {
    this.actions = actions;
    this.status = make("p", { role: "status" });
    this.list = make("div", { class: "wb-picker-list" });
    const scope = (/** @type {boolean} */ whole, /** @type {string} */ label) => make("button", { type: "button", "data-whole": String(whole), click: () => actions.search(whole) }, label);
    this.scopes = [scope(false, "this step"), scope(true, "all steps")];
    this.element = make("div", { class: "wb-help wb-picker", role: "dialog", "aria-label": "search the run", keydown: (event) => { event.stopPropagation(); if (event.key === "Escape") actions.close(); } },
      make("button", { type: "button", class: "wb-close", "aria-label": "close", click: actions.close }, "×"),
      make("span", { class: "wb-control" }, this.scopes), this.status, this.list);
  }

  /** @param {string} text @param {boolean} whole */
  wait(text, whole) {
    for (const each of this.scopes) each.setAttribute("aria-pressed", String(each.dataset.whole === String(whole)));
    this.status.textContent = `searching for “${visible(text)}” …`;
    this.list.replaceChildren();
  }

  /** @param {Found} found */
  show(found) {
    const rest = Object.values(found.counts).reduce((sum, count) => sum + count, 0) - found.hits.length;
    this.status.textContent = countsText(found);
    this.list.replaceChildren(...found.hits.map((hit) => this.line(hit)), ...(rest > 0 ? [make("p", { class: "wb-muted" }, `and ${rest} more`)] : []));
  }

  /** @param {Hit} hit */
  line(hit) {
    const [before, middle, after] = hit.excerpt.map((part) => visible(part).replaceAll("\n", "⏎"));
    const mark = { correct: "✓", incorrect: "✗" }[hit.grade] ?? "?";
    return make("button", { type: "button", "aria-label": `step ${hit.step}, rollout ${hit.rollout}, ${hit.grade}: ${before}${middle}${after}`, click: () => this.actions.go(hit) },
      make("span", { class: "wb-muted" }, `${mark} step ${hit.step} #${hit.rollout}`), make("bdi", { class: "wb-found" }, before, make("b", {}, middle), after));
  }
}
