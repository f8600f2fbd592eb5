/** The prompts of a group as the model saw them, special tokens and template included. */

import { make } from "../page/dom.js";
import { Faces, fontOf } from "../page/faces.js";
import { Sheet } from "./sheet.js";
import { readingOf, spellingOf, visible } from "../page/tokens.js";

/** @typedef {import("../wire/payload.js").Group} Group */

export class PromptBlock {
  /** @type {Group} */
  group;

  constructor() {
    this.sheet = new Sheet({ label: "prompt", class: "wb-prompt", dress: () => " wb-prompt-token" });
    this.caption = make("div", { class: "wb-caption" });
    this.element = make("div", {}, this.caption, this.sheet.element);
    this.sheet.element.addEventListener("pointerover", (event) => this.pointed(event));
  }

  /** @param {Group} group */
  show(group) {
    this.group = group;
    const [first] = group.rollouts;
    const several = group.prompts.length > 1 ? ` · ${group.prompts.length} different prompts` : "";
    this.caption.replaceChildren(
      make("span", {}, `Prompt as the model saw it${several} · not trained`),
      first?.answer ? make("span", {}, "reference answer ", make("bdi", { class: "wb-answer" }, visible(first.answer))) : "",
      make("bdi", { class: "wb-key" }, visible(first?.problem ?? "")));
    const faces = new Faces(fontOf(this.sheet.element, 13));
    this.sheet.fill(group.prompts.map((ids) => this.text(ids, faces)));
  }

  /** @param {number[]} ids @param {Faces} faces @returns {import("./sheet.js").Text} */
  text(ids, faces) {
    const { vocabulary } = this.group;
    const spelling = spellingOf(vocabulary, ids);
    return {
      count: ids.length, label: "prompt", faceAt: (at) => faces.spelled(ids[at], vocabulary[ids[at]], spelling[at]),
      read: (from, to) => readingOf(vocabulary, ids).slice(from, to).join(""),
    };
  }

  /** A tooltip with the token's id: nothing else is recorded of a prompt. @param {Event} event */
  pointed(event) {
    const found = this.sheet.tokenAt(event.target);
    if (!found || !(event.target instanceof HTMLElement)) return;
    const id = this.group.prompts[this.sheet.passages.indexOf(found.passage)][found.at];
    const [, special, bytes] = this.group.vocabulary[id] ?? ["", 0];
    const parts = [`token ${found.at + 1} of the prompt`, `id ${id}`, special ? "special" : "", bytes ? `bytes ${bytes}` : ""];
    event.target.title = parts.filter(Boolean).join(" · ");
  }

  close() {
    this.sheet.close();
  }
}
