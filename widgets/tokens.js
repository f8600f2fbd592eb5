/** Tokens as elements: text that can be read and copied, marks for what cannot be seen, colours as classes. */

import { make } from "./dom.js";
import { paintOf } from "./signals.js";

const BLOCK = 256; // tokens of a block that the browser may leave undrawn while it is out of sight

/** What a token shows: its text, and a mark where the text itself cannot be seen. */
export function faceOf(text) {
  if (text === "") return { text: "", mark: "∅" };
  if (text === "\n" || text === "\r\n") return { text: "\n", mark: "⏎" };
  const shown = text.replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, (letter) => `⟨${hex(letter)}⟩`)
    .replace(/[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g, (letter) => `⟨U+${hex(letter).padStart(4, "0")}⟩`);
  if (/^\n+$/.test(shown)) return { text: shown, mark: "⏎".repeat(shown.length) };
  if (shown === "\t") return { text: "\t", mark: "⇥" };
  if (/^ +$/.test(shown)) return { text: shown, mark: "", gap: true };
  return { text: shown, mark: "" };
}

function hex(letter) {
  return letter.codePointAt(0).toString(16).toUpperCase().padStart(2, "0");
}

/** One token. */
export function tokenElement(entry, kind = "") {
  const [text, special] = entry ?? ["⟨?⟩", 0];
  const face = faceOf(text);
  const names = ["wb-token", kind, special && "wb-special", face.gap && "wb-gap"].filter(Boolean).join(" ");
  return make("span", { class: names, "data-mark": face.mark || null }, face.text);
}

/**
 * All tokens of a rollout in blocks. Each element knows its place (`dataset.at`).
 * @returns {{ element: HTMLElement, spans: HTMLElement[] }}
 */
export function tokenBlocks(group, rollout) {
  const { tokens, trained } = group.columns;
  const spans = [];
  for (let at = 0; at < rollout.length; at += 1) {
    const place = rollout.start + at;
    const span = tokenElement(group.vocabulary[tokens[place]], trained[place] ? "" : "wb-untrained");
    span.dataset.at = at;
    spans.push(span);
  }
  const blocks = [];
  for (let from = 0; from < spans.length; from += BLOCK) {
    const part = spans.slice(from, from + BLOCK);
    const name = spans.length > 2 * BLOCK ? "wb-block wb-far" : "wb-block";
    blocks.push(make("span", { class: name }, part));
  }
  return { element: make("div", { class: "wb-tokens", dir: "ltr" }, blocks, ending(rollout)), spans };
}

/** How the rollout ended, where it did not end by itself. */
function ending(rollout) {
  const told = {
    length: "cut at the length limit",
    pruned: `pruned at token ${rollout.pruned_at ?? rollout.length}`,
    given: "given, not sampled",
  }[rollout.finish];
  return told ? make("span", { class: "wb-ending" }, make("span", { class: "wb-hatch" }), ` ${told}`) : null;
}

/** Colours the tokens of a rollout; untrained ones are left out of signed signals, which mean nothing there. */
export function paintTokens(spans, group, rollout, signal, limits) {
  const values = group.columns[signal.name];
  const { trained } = group.columns;
  spans.forEach((span, at) => {
    const place = rollout.start + at;
    const idle = signal.scale === "signed" && !trained[place] && signal.name !== "gap" && signal.name !== "ratio";
    const paint = idle ? "" : paintOf(signal, limits, values ? values[place] : NaN);
    const kept = span.className.split(" ").filter((name) => !PAINTS.test(name));
    span.className = [...kept, paint].filter(Boolean).join(" ");
  });
}
const PAINTS = /^wb-(up|down|amount|zero|missing|l\d+)$/;
