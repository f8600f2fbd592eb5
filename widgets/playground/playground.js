/** Several methods on the same recorded rollouts, side by side, with hyper-parameters and rewards to change. */

import { followTheme, isShortcut, keepKeys, make } from "../page/dom.js";
import { ColourBar, placeBar } from "./bar.js";
import { alike } from "./entry.js";
import { firstChoice } from "../board/facts.js";
import { Methods } from "./methods.js";
import { Newest } from "../wire/newest.js";
import { RewardTable } from "./table.js";
import { Texts } from "./texts.js";
import { KernelSource } from "../wire/source.js";

/** @typedef {import("../wire/payload.js").BoardPayload} Board @typedef {import("./texts.js").Mode} Mode */

class View {
  /** @type {number | undefined} */
  step;
  /** @type {number} of the group */
  number;
  /** @type {Board} */
  board;
  /** @type {number[]} */
  steps = [];
  onPolicy = false; // every ratio is 1
  ticket = 0;
  closed = false;

  /** @param {any} model @param {HTMLElement} el */
  constructor(model, el) {
    this.model = model;
    this.root = make("div", { class: "wb wp", keydown: (event) => this.key(event) });
    el.append(this.root);
    this.unfollow = followTheme(this.root);
    this.release = keepKeys(this.root);
    this.source = new KernelSource(model);
    this.newest = new Newest((request) => this.source.ask(request), (answer, request) => this.showReplay(answer, request), (error) => this.notify(error.message));
    /** @type {Record<string, number>} */
    this.rewards = model.get("rewards");
    this.bar = make("div", { class: "wp-bar" });
    this.notice = make("p", { class: "wb-notice", role: "status", hidden: true });
    this.texts = new Texts();
    this.colourBar = new ColourBar(this.texts, { mode: (mode) => this.setMode(mode), shared: () => this.setShared(!this.texts.shared) });
    this.table = new RewardTable({ reward: (rollout, value, settled) => this.setReward(rollout, value, settled), reset: () => this.setRewards({}, true), visit: (rollout) => this.visit(rollout) });
    this.methods = new Methods(this.source, model.get("methods"), {
      arranged: (heads) => this.arranged(heads), changed: (settled) => this.changed(settled), notify: (text) => this.notify(text), besides: (at) => this.texts.columns[at]?.element ?? this.bar });
    this.root.append(this.bar, this.notice, this.table.element, this.colourBar.element, this.texts.element, this.texts.live);
    /** @type {[string, () => void][]} */
    this.observers = [["change:methods", () => this.onMethods()], ["change:rewards", () => this.onRewards()], ["change:step", () => this.onPlace()], ["change:group", () => this.onPlace()]];
    for (const [event, handler] of this.observers) model.on(event, handler);
    this.source.listeners.add((payload) => { if (payload.kind === "registry") this.renew(); });
    this.start();
  }

  async start() {
    try {
      this.steps = (await this.source.index()).steps;
      if (!this.steps.length) return this.empty();
      this.methods.arrange();
      const [step, group] = [this.model.get("step"), this.model.get("group")];
      await (step === null ? this.goStep(this.steps[this.steps.length - 1]) : this.open(step, group));
    } catch (error) {
      this.notify(/** @type {Error} */ (error).message);
    }
  }

  /** Nothing is recorded yet. */
  empty() {
    this.notify("No rollouts yet: the first step is still running.");
    const again = make("button", { type: "button", click: () => { again.remove(); this.start(); } }, "refresh");
    this.bar.replaceChildren(again);
  }

  /** Shows a notice until the next result. @param {string} text */
  notify(text) {
    this.notice.textContent = text;
    this.notice.hidden = !text;
  }

  /** Sends values to the kernel. @param {Record<string, any>} values */
  commit(values) {
    for (const [name, value] of Object.entries(values)) this.model.set(name, value);
    this.model.save_changes();
  }

  // ------------------------------------------------------------------ which rollouts

  /** @param {number} step @param {number} group */
  async open(step, group) {
    const ticket = ++this.ticket;
    const board = await this.source.board(step);
    const payload = await this.source.group(step, group);
    if (ticket !== this.ticket) return;
    this.step = step;
    this.number = group;
    this.board = board;
    this.drawBar();
    this.texts.answer = null;
    this.table.open(payload, this.rewards);
    this.texts.open({ ...payload, columns: { ...payload.columns } }, this.rewards);
    this.request();
  }

  /** @param {number} step */
  async goStep(step) {
    try {
      /** @type {Board} */
      const { groups } = await this.source.board(step);
      await this.go(step, firstChoice(groups).group);
    } catch (error) {
      this.notify(/** @type {Error} */ (error).message);
    }
  }

  /** Shows another group; changed rewards belong to the old one and are dropped. @param {number} step @param {number} group */
  go(step, group) {
    this.rewards = {};
    this.commit({ step, group, rewards: {} });
    return this.open(step, group).catch((error) => this.notify(error.message));
  }

  drawBar() {
    const { steps, step, number: group, board, methods } = this;
    if (step === undefined) return;
    this.bar.replaceChildren(...placeBar({ steps, step, group, board, full: methods.full },
      { goStep: (each) => this.goStep(each), go: (each, problem) => this.go(each, problem), add: () => methods.pick(methods.entries.length) }));
  }

  // ------------------------------------------------------------------ changes

  /** @param {import("./method.js").MethodHead[]} heads */
  arranged(heads) {
    this.texts.answer = null;
    this.texts.arrange(heads);
    this.drawBar();
  }

  /** @param {boolean} settled */
  changed(settled) {
    if (settled) this.commit({ methods: this.methods.entries });
    this.request();
  }

  /** @param {number} rollout @param {number | null} value null: as recorded @param {boolean} settled */
  setReward(rollout, value, settled) {
    const { [rollout]: _, ...others } = this.rewards;
    this.setRewards(value === null ? others : { ...others, [rollout]: value }, settled);
  }

  /** @param {Record<string, number>} rewards @param {boolean} settled */
  setRewards(rewards, settled) {
    this.rewards = rewards;
    this.texts.rewards = rewards;
    this.table.set(rewards);
    if (settled) this.commit({ rewards });
    this.request();
  }

  /** Reloads methods that a cell has changed. */
  renew() {
    this.methods.arrange();
    this.request();
  }

  onMethods() {
    const entries = this.model.get("methods");
    if (alike(entries, this.methods.entries)) return;
    this.methods.entries = entries;
    this.renew();
  }

  onRewards() {
    if (!alike(this.model.get("rewards"), this.rewards)) this.setRewards(this.model.get("rewards"), false);
  }

  onPlace() {
    const [step, group] = [this.model.get("step"), this.model.get("group")];
    if (step === null || group === null || (step === this.step && group === this.number)) return;
    this.open(step, group).catch((error) => this.notify(error.message));
  }

  // ------------------------------------------------------------------ what is shown

  request() {
    const { step, number: group, rewards, methods: { entries: methods } } = this;
    if (step !== undefined) this.newest.request({ kind: "replay", step, group, methods, rewards });
  }

  /** @param {any} answer @param {any} request */
  showReplay(answer, request) {
    const here = request.step === this.step && request.group === this.number && request.methods.length === this.methods.entries.length;
    if (!here || this.closed) return; // another group or method is shown by now
    this.notify(answer.tokens ? "" : "The update did not use the rollouts of this problem (removed by a filter), so no log-probs are recorded. Choose another problem.");
    this.table.show(answer);
    this.texts.answer = answer;
    this.onPolicy = answer.on_policy;
    this.paint();
  }

  paint() {
    this.colourBar.update(this.texts.show(), this.onPolicy);
  }

  /** @param {Mode} mode */
  setMode(mode) {
    this.texts.mode = mode;
    this.paint();
  }

  /** @param {boolean} shared */
  setShared(shared) {
    this.texts.shared = shared;
    this.paint();
  }

  /** @param {import("../wire/payload.js").Rollout} rollout */
  visit(rollout) {
    const [column] = this.texts.columns;
    column.pane.sheet.element.focus({ preventScroll: true });
    this.texts.go(rollout, 0, column);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    if (isShortcut(event) || /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName)) return;
    const { texts, steps } = this;
    const beside = (/** @type {number} */ by) => () => { const step = steps[steps.indexOf(this.step ?? NaN) + by]; if (step !== undefined) this.goStep(step); };
    /** @type {Record<string, () => any>} */
    const acts = { d: () => this.setMode(texts.mode === "difference" ? "weight" : "difference"), s: () => this.setShared(!texts.shared), "}": beside(1), "{": beside(-1), Escape: () => this.methods.closePicker() };
    if (!acts[event.key]) return;
    event.preventDefault();
    event.stopPropagation();
    acts[event.key]();
  }

  close() {
    this.closed = true;
    for (const [event, handler] of this.observers) this.model.off(event, handler);
    this.source.close();
    this.texts.close();
    this.unfollow();
    this.release();
    this.root.remove();
  }
}

export default {
  /** @param {{ model: any, el: HTMLElement }} given */
  render({ model, el }) {
    const view = new View(model, el);
    return () => view.close();
  },
};
