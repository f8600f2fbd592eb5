/** Rewards to change, and a row per method: its numbers and every rollout's advantage. */

import { make } from "../page/dom.js";
import { limitsOf, paintOf, show, signalOf } from "../page/signals.js";

/**
 * @typedef {import("../wire/payload.js").Group} Group
 * @typedef {import("../wire/payload.js").Rollout} Rollout
 * @typedef {{ title: string, edited: string, error: string | null, cosine?: number | null, nonzero?: number | null, up?: number, down?: number }} Line
 * @typedef {{ readable: number[], tokens: number, on_policy: boolean, methods: Line[], columns: Record<string, Float32Array> }} Answer
 * @typedef {{ reward: (rollout: number, value: number | null, settled: boolean) => void, reset: () => void, visit: (rollout: Rollout) => void }} Actions
 */

const PLACES = 40; // of a reward's slider
const HEADS = [["cosine", "cosine similarity of this method's gradient weights and those of method 1; 1: same direction"], ["non-zero", "share of the tokens with a non-zero gradient"],
  ["Σ up", "sum of the positive gradient weights"], ["Σ down", "sum of the negative gradient weights"]];
const ADVANTAGE = signalOf("advantage");

/** The mean over a rollout's tokens that the update used; nan where there are none. @param {ArrayLike<number>} values @param {Rollout} rollout */
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

/** The method of a row with its changes. @param {Line} line */
export function named({ title, edited }) {
  return edited ? `${title} · ${edited}` : title;
}

export class RewardTable {
  /** @param {Actions} actions */
  constructor(actions) {
    this.actions = actions;
    this.resets = make("button", { type: "button", hidden: true, title: "reset to the recorded rewards", click: actions.reset }, "reset rewards");
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
        group.rollouts.map((rollout) => make("th", { scope: "col" }, make("button", { type: "button", class: rollout.correct ? "wp-correct" : null, title: `go to rollout ${rollout.rollout}`, click: () => this.actions.visit(rollout) }, `#${rollout.rollout}`)))),
      make("tr", { class: "wp-rewards" }, make("th", { scope: "row" }, "reward", make("br"), this.resets), make("td", { colspan: HEADS.length, class: "wb-muted" }, "drag a reward to see its effect on every method"), this.rewards.map(({ cell }) => cell)));
    this.body.replaceChildren();
    this.set(rewards);
  }

  /** @param {Rollout} rollout @param {number[]} ends */
  control(rollout, [low, high]) {
    const label = `reward of rollout ${rollout.rollout}`;
    const change = (/** @type {string} */ text, /** @type {boolean} */ settled) => {
      const value = text.trim() === "" ? null : Number(text);
      if (value !== null && !Number.isFinite(value)) return this.set(this.current);
      return this.actions.reward(rollout.rollout, value === rollout.reward ? null : value, settled);
    };
    const slider = make("input", { type: "range", min: low, max: high, step: (high - low) / PLACES, "aria-label": `${label}, as a slider`, "aria-orientation": "vertical",
      input: () => change(slider.value, false), change: () => change(slider.value, true) });
    const box = make("input", { class: "wp-box", inputmode: "decimal", "aria-label": label, placeholder: "none", change: () => change(box.value, true) });
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
      box.title = box.disabled ? "the update did not use this rollout" : `recorded: ${rollout.reward ?? "unscored"}`;
    }
    const means = answer.methods.map((_, at) => rollouts.map((rollout) => meanOf(answer.columns[`advantage.${at}`] ?? [], rollout)));
    const limits = limitsOf(ADVANTAGE, means.flat());
    this.body.replaceChildren(...answer.methods.map((line, at) => make("tr", { "data-method": at + 1 },
      make("th", { scope: "row", title: named(line) }, make("b", { class: "wp-place" }, String(at + 1)), " ", named(line)),
      line.error ? make("td", { class: "wp-error", colspan: HEADS.length + rollouts.length }, line.error) : [
        make("td", { "data-number": "cosine" }, cosineCell(line.cosine)),
        make("td", {}, line.nonzero === null || line.nonzero === undefined ? "–" : `${Math.round(100 * line.nonzero)} %`),
        make("td", {}, signed(line.up)), make("td", {}, signed(line.down)),
        means[at].map((mean) => make("td", { class: Number.isFinite(mean) ? paintOf(ADVANTAGE, limits, mean) : "wb-muted", title: "advantage, mean over the tokens of the rollout" }, signed(mean)))])));
  }
}

/** @param {number | null | undefined} cosine */
function cosineCell(cosine) {
  const known = cosine !== null && cosine !== undefined;
  const width = known ? Math.round(Math.max(0, cosine) * 100) : 0;
  return [make("span", { class: "wp-cosine", "aria-hidden": "true" }, make("span", { style: `width:${width}%` })), known ? show(cosine, 3) : "–"];
}
