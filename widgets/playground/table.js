/** Rewards to drag, and what each method makes of them: a line a method with its numbers and every rollout's advantage. */

import { make } from "../page/dom.js";
import { limitsOf, paintOf, show, signalOf } from "../page/signals.js";

/**
 * @typedef {import("../wire/payload.js").Group} Group
 * @typedef {import("../wire/payload.js").Rollout} Rollout
 * @typedef {{ title: string, edited: string, problem: string | null, cosine?: number | null, pushed?: number | null, up?: number, down?: number }} Line
 * @typedef {{ readable: number[], tokens: number, unmoved: boolean, methods: Line[], columns: Record<string, Float32Array> }} Answer
 * @typedef {{ reward: (rollout: number, value: number | null, settled: boolean) => void, reset: () => void, visit: (rollout: Rollout) => void }} Deeds
 */

const PLACES = 40; // of a reward's slider
const HEADS = [["alike", "cosine between this method's pushes and the first one's: 1 is the same direction"], ["pushed", "share of the tokens that it pushes at all"],
  ["push up", "sum of the pushes above zero"], ["push down", "sum of the pushes below zero"]];
const ADVANTAGE = signalOf("advantage");

/** The mean over a rollout's tokens that the update read; nan where there are none. @param {ArrayLike<number>} values @param {Rollout} rollout */
export function meanOf(values, { start, length }) {
  let sum = 0;
  let count = 0;
  for (let place = start; place < start + length; place += 1) {
    if (!Number.isFinite(values[place])) continue;
    sum += values[place];
    count += 1;
  }
  return count ? sum / count : NaN;
}

/** A number with its sign. @param {number | null | undefined} number */
export function signed(number, digits = 2) {
  if (number === null || number === undefined || !Number.isFinite(number)) return "–";
  return (number > 0 ? "+" : "") + show(number, digits);
}

/** A line's method with what is changed in it. @param {Line} line */
export function named({ title, edited }) {
  return edited ? `${title} · ${edited}` : title;
}

export class RewardTable {
  /** @param {Deeds} deeds */
  constructor(deeds) {
    this.deeds = deeds;
    this.resets = make("button", { type: "button", hidden: true, title: "the recorded rewards again", click: deeds.reset }, "reset rewards");
    this.head = make("thead", {});
    this.body = make("tbody", {});
    this.element = make("div", { class: "wp-table", role: "region", "aria-label": "rewards and advantages", tabindex: 0 }, make("table", {}, this.head, this.body));
    /** @type {{ rollout: Rollout, slider: HTMLInputElement, box: HTMLInputElement, cell: HTMLElement }[]} */
    this.rewards = [];
    /** @type {Record<string, number>} */
    this.current = {};
  }

  /** @param {Group} group @param {Record<string, number>} rewards */
  open(group, rewards) {
    this.group = group;
    const known = group.rollouts.map(({ reward }) => reward).filter((reward) => reward !== null);
    const ends = [Math.min(0, ...known), Math.max(1, ...known)];
    this.rewards = group.rollouts.map((rollout) => this.control(rollout, ends));
    this.head.replaceChildren(
      make("tr", {}, make("th", { scope: "col" }), HEADS.map(([label, help]) => make("th", { scope: "col", title: help }, label)),
        group.rollouts.map((rollout) => make("th", { scope: "col" }, make("button", { type: "button", class: rollout.correct ? "wp-right" : null, title: `to rollout ${rollout.rollout}`, click: () => this.deeds.visit(rollout) }, `#${rollout.rollout}`)))),
      make("tr", { class: "wp-rewards" }, make("th", { scope: "row" }, "reward", make("br"), this.resets), make("td", { colspan: HEADS.length, class: "wb-muted" }, "drag a reward: what would the methods have made of it?"), this.rewards.map(({ cell }) => cell)));
    this.body.replaceChildren();
    this.set(rewards);
  }

  /** @param {Rollout} rollout @param {number[]} ends */
  control(rollout, [low, high]) {
    const label = `reward of rollout ${rollout.rollout}`;
    const told = (/** @type {string} */ text, /** @type {boolean} */ settled) => {
      const value = text.trim() === "" ? null : Number(text);
      if (value !== null && !Number.isFinite(value)) return this.set(this.current);
      return this.deeds.reward(rollout.rollout, value === rollout.reward ? null : value, settled);
    };
    const slider = make("input", { type: "range", min: low, max: high, step: (high - low) / PLACES, "aria-label": `${label}, as a slider`, "aria-orientation": "vertical",
      input: () => told(slider.value, false), change: () => told(slider.value, true) });
    const box = make("input", { class: "wp-box", inputmode: "decimal", "aria-label": label, placeholder: "none", change: () => told(box.value, true) });
    const cell = make("td", { "data-rollout": rollout.rollout }, slider, box);
    return { rollout, slider, box, cell };
  }

  /** Shows these rewards in place of the recorded ones. @param {Record<string, number>} rewards */
  set(rewards) {
    this.current = rewards;
    for (const { rollout, slider, box, cell } of this.rewards) {
      const value = rewards[rollout.rollout] ?? rollout.reward;
      slider.value = String(value ?? 0);
      box.value = value === null ? "" : String(Number(value.toPrecision(3)));
      cell.classList.toggle("wp-changed", rollout.rollout in rewards);
    }
    this.resets.hidden = !this.rewards.some(({ cell }) => cell.classList.contains("wp-changed"));
  }

  /** @param {Answer} answer */
  show(answer) {
    const { rollouts } = /** @type {Group} */ (this.group);
    for (const { rollout, slider, box } of this.rewards) {
      slider.disabled = box.disabled = !answer.readable.includes(rollout.rollout);
      box.title = box.disabled ? "the update did not read this rollout" : `recorded: ${rollout.reward ?? "unscored"}`;
    }
    const means = answer.methods.map((_, at) => rollouts.map((rollout) => meanOf(answer.columns[`advantage.${at}`] ?? [], rollout)));
    const limits = limitsOf(ADVANTAGE, means.flat());
    this.body.replaceChildren(...answer.methods.map((line, at) => make("tr", { "data-method": at + 1 },
      make("th", { scope: "row", title: named(line) }, make("b", { class: "wp-place" }, String(at + 1)), " ", named(line)),
      line.problem ? make("td", { class: "wp-trouble", colspan: HEADS.length + rollouts.length }, line.problem) : [
        make("td", { "data-number": "alike" }, alikeCell(line.cosine)),
        make("td", {}, line.pushed === null || line.pushed === undefined ? "–" : `${Math.round(100 * line.pushed)} %`),
        make("td", {}, signed(line.up)), make("td", {}, signed(line.down)),
        means[at].map((mean) => make("td", { class: Number.isFinite(mean) ? paintOf(ADVANTAGE, limits, mean) : "wb-muted", title: "advantage: mean over the rollout's tokens" }, signed(mean)))])));
  }
}

/** @param {number | null | undefined} cosine */
function alikeCell(cosine) {
  const known = cosine !== null && cosine !== undefined;
  const width = known ? Math.round(Math.max(0, cosine) * 100) : 0;
  return [make("span", { class: "wp-alike", "aria-hidden": "true" }, make("span", { style: `width:${width}%` })), known ? show(cosine, 3) : "–"];
}
