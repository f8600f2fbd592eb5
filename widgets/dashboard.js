/** A run in a notebook: its head with orders, its curves, its tokens. */

import { Charts } from "./charts.js";
import { followTheme, make } from "./dom.js";
import { KernelSource } from "./source.js";
import { TokenView } from "./token_view.js";

const VERDICTS = { running: "running", starting: "starting", queued: "queued", paused: "paused", slow: "slow", stalled: "stalled", finished: "finished", stopped: "stopped", failed: "failed", dead: "dead" };

/** Seconds for people. */
export function duration(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

/** Name, verdict, progress, and the buttons. */
class Head {
  constructor(root, source) {
    this.source = source;
    this.verdict = make("span", { class: "wb-state" });
    this.told = make("span", { class: "wb-muted" });
    this.name = make("b", { class: "wb-run-name" });
    this.bar = make("span", { class: "wb-progress", role: "progressbar", "aria-label": "steps done" }, make("span", {}));
    this.buttons = ["pause", "resume", "stop"].map((order) => make("button", { type: "button", "data-order": order, click: () => this.order(order) }, order));
    root.append(make("header", { class: "wb-run" }, this.name, this.verdict, this.bar, this.told, make("span", { class: "wb-spring" }), this.buttons));
  }

  update(state) {
    this.name.textContent = state.name;
    this.verdict.textContent = VERDICTS[state.verdict] ?? state.verdict;
    this.verdict.dataset.verdict = state.verdict;
    this.bar.firstChild.style.width = `${state.total ? (100 * state.step) / state.total : 0}%`;
    for (const [name, value] of [["aria-valuenow", state.step], ["aria-valuemax", state.total]]) this.bar.setAttribute(name, value);
    const left = state.left ? `about ${duration(state.left)} left` : "";
    const phase = state.ended || !state.phase ? "" : state.phase;
    this.told.textContent = [`step ${state.step} of ${state.total}`, phase, left, state.text].filter(Boolean).join(" · ");
    const usable = { pause: !state.ended && state.verdict !== "paused", resume: state.verdict === "paused" || (state.ended && state.verdict !== "finished"), stop: !state.ended };
    for (const button of this.buttons) button.hidden = !usable[button.dataset.order];
  }

  async order(order) {
    this.told.textContent = `${order}: asked, follows after the step under way`;
    try {
      await this.source.order(order);
    } catch (error) {
      this.told.textContent = error.message;
    }
  }
}

/** The parts of one view, kept together. */
class View {
  constructor(model, el) {
    this.model = model;
    this.root = make("div", { class: "wb wb-dashboard" });
    el.append(this.root);
    this.unfollow = followTheme(this.root);
    this.source = new KernelSource(model);
    const { head, curves } = model.get("shown");
    this.head = head ? new Head(this.root, this.source) : null;
    this.charts = curves ? new Charts(this.root, { choose: (step) => this.choose(step) }) : null;
    this.follow = make("input", { type: "checkbox", change: () => this.setFollowing(this.follow.checked) });
    if (curves) this.root.append(make("label", { class: "wb-follow" }, this.follow, " show the newest rollouts as they come"));
    this.tokens = new TokenView(this.root, this.source, { step: (step) => this.charts?.mark(step), leave: () => this.setFollowing(false) });
    this.changed = () => this.head?.update(model.get("state"));
    model.on("change:state", this.changed);
    this.source.listeners.add((payload) => this.news(payload));
    this.start();
  }

  async start() {
    this.changed();
    this.following = this.follow.checked = this.model.get("following");
    this.tokens.say("Asking the kernel for the run …");
    try {
      const metrics = await this.source.metrics();
      this.charts?.update(metrics);
      await this.tokens.start(this.model.get("shown").step ?? undefined, metrics.index);
    } catch (error) {
      this.tokens.say(`Nothing to show: ${error.message}`);
    }
  }

  /** A step clicked in the curves: the nearest recorded one. */
  choose(step) {
    if (!this.tokens.steps.length) return;
    this.setFollowing(false);
    this.tokens.showStep(this.tokens.steps.reduce((best, each) => (Math.abs(each - step) < Math.abs(best - step) ? each : best)));
  }

  async setFollowing(on) {
    this.follow.checked = on;
    if (this.following === on) return;
    this.following = on;
    await this.source.follow(on);
  }

  news(payload) {
    if (payload.kind === "metrics") {
      this.charts?.update(payload);
      this.tokens.setSteps(payload.index.steps);
    }
    const wanted = payload.newest && this.charts && this.follow.checked;
    if (wanted && !this.tokens.busy) this.tokens.showStep(payload.step, payload.chosen);
  }

  close() {
    this.model.off("change:state", this.changed);
    this.source.close();
    this.tokens.close();
    this.unfollow();
    this.root.remove();
  }
}

export default {
  render({ model, el }) {
    const view = new View(model, el);
    return () => view.close();
  },
};
