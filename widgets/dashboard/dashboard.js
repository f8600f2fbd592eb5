/** A run in a notebook: its head with commands, its curves, its tokens. */

import { SECTIONS } from "../checkpoint/panel.js";
import { showCompletions } from "../checkpoint/read.js";
import { Charts } from "../charts/charts.js";
import { MOST_ROWS, joined } from "../charts/curves.js";
import { followTheme, keepKeys, make } from "../page/dom.js";
import { Head } from "./head.js";
import { KernelSource } from "../wire/source.js";
import { Sections, loaded } from "../page/sections.js";
import { Strip } from "../charts/strip.js";
import { TokenView } from "../tokens/token_view.js";

/** The parts of one view, kept together. */
class View {
  /** @param {any} model @param {HTMLElement} el */
  constructor(model, el) {
    this.model = model;
    this.root = make("div", { class: "wb wb-dashboard" });
    el.append(this.root);
    this.unfollow = followTheme(this.root);
    this.release = keepKeys(this.root);
    this.source = new KernelSource(model);
    /** @type {import("../charts/curves.js").Curves | null} */
    this.curves = null;
    /** @type {import("../charts/strip.js").Setting | null} */
    this.setting = null;
    const { head, curves } = model.get("shown");
    this.head = head ? new Head(this.root, this.source) : null;
    this.strip = curves ? new Strip() : null;
    this.charts = curves ? new Charts(this.root, { choose: (step) => this.choose(step), beside: this.strip?.element }) : null;
    const panels = make("div", {});
    this.root.append(panels);
    this.errorLine = make("p", { class: "wb-note wb-passed", role: "status", hidden: true });
    this.follow = make("input", { type: "checkbox", change: () => this.setFollowing(this.follow.checked) });
    if (curves) this.root.append(this.errorLine, make("label", { class: "wb-follow" }, this.follow, " show the newest rollouts as they arrive"));
    this.tokens = new TokenView(this.root, this.source, { step: (step) => this.charts?.mark(step), chosen: () => this.setFollowing(false) });
    this.sections = new Sections(panels, this.host(), this.given());
    this.changed = () => this.head?.update(model.get("state"));
    model.on("change:state", this.changed);
    this.source.listeners.add((payload) => this.news(payload));
    /** @type {boolean} */
    this.following = model.get("following");
    /** @type {number[]} */
    this.steps = [];
    this.start();
  }

  /** The sections below the curves: of its checkpoints, where the page may ask the model, and of what is on record. */
  given() {
    const { sections = [], asks } = this.model.get("shown");
    return [...(asks ? SECTIONS : []), ...sections.map(loaded)];
  }

  /** Shows a group of a step in the token view, at a rollout if one is given. @param {{ step: number, group: number, rollout?: number }} place */
  async visit({ step, group, rollout }) {
    await this.tokens.chooseStep(step, group);
    const found = this.tokens.group?.rollouts.find((each) => each.rollout === rollout);
    if (found) this.tokens.visit(found);
    this.tokens.root.scrollIntoView({ block: "start" });
    this.tokens.focus();
  }

  /** What the sections work with. @returns {import("../checkpoint/parts.js").Host} */
  host() {
    const { opens, run } = this.model.get("shown");
    /** @type {import("../checkpoint/parts.js").Host["read"]} */
    const read = (left, right, rollout) => {
      this.setFollowing(false); // newer rollouts must not replace the completions
      return showCompletions(this.tokens, left, right, rollout);
    };
    const visit = (/** @type {{ step: number, group: number, rollout?: number }} */ place) => this.visit(place);
    return { source: this.source, tokens: this.tokens, read, visit, opens: Boolean(opens), page: run ?? "" };
  }

  async start() {
    this.changed();
    this.follow.checked = this.following;
    this.tokens.showMessage("Loading the run …");
    try {
      const curves = await this.source.ask({ kind: "curves" });
      this.setCurves(curves);
      await this.tokens.start(this.model.get("shown").step ?? undefined, curves.index);
      if (this.charts) await this.readSetting();
    } catch (error) {
      this.tokens.showMessage(`The run cannot be shown: ${error instanceof Error ? error.message : error}`);
    }
  }

  /** Group size and live fields; a run whose config cannot be read is shown without them. */
  async readSetting() {
    try {
      this.setting = await this.source.ask({ kind: "setting" });
    } catch (error) {
      this.showError(`The config of the run cannot be read: ${error instanceof Error ? error.message : error}`);
      return;
    }
    this.head?.commands.offer(this.setting?.live ?? []);
    this.strip?.update(this.curves?.columns ?? {}, this.setting);
  }

  /** @param {string} text */
  showError(text) {
    this.errorLine.textContent = text;
    this.errorLine.hidden = !text;
  }

  /** Takes over curves: all of them, or the rows added since. @param {any} payload */
  setCurves(payload) {
    const grown = payload.tail && this.curves ? joined(this.curves, payload) : payload;
    if (grown.columns.step.length > MOST_ROWS) {
      this.source.ask({ kind: "curves" }).then((whole) => this.setCurves(whole), (error) => this.showError(error.message));
      return;
    }
    this.curves = grown;
    this.steps = payload.tail ? [...new Set([...this.steps, ...payload.index.steps])] : payload.index.steps;
    this.showError("");
    this.charts?.update(grown);
    this.strip?.update(grown.columns, this.setting);
    const changed = this.setting && payload.events.some((/** @type {{ kind: string }} */ { kind }) => kind === "set" || kind === "resumed");
    if (payload.tail && changed) this.readSetting();
  }

  /** A step clicked in the curves: the nearest recorded one. @param {number} step */
  choose(step) {
    if (!this.tokens.steps.length) return;
    this.setFollowing(false);
    this.tokens.showStep(this.tokens.steps.reduce((best, each) => (Math.abs(each - step) < Math.abs(best - step) ? each : best)));
  }

  /** @param {boolean} on */
  async setFollowing(on) {
    this.follow.checked = on;
    if (this.following === on) return;
    this.following = on;
    await this.source.follow(on);
  }

  /** @param {any} payload */
  news(payload) {
    if (payload.error) this.showError(`Updates of the run cannot be read: ${payload.error}`);
    if (payload.kind === "metrics") {
      const before = this.steps;
      this.setCurves(payload);
      this.sections.news();
      if (String(before) !== String(this.steps)) this.tokens.setSteps(this.steps);
    }
    const wanted = payload.newest && this.charts && this.follow.checked;
    if (wanted && !this.tokens.busy) this.tokens.showStep(payload.step, payload.chosen);
  }

  close() {
    this.model.off("change:state", this.changed);
    this.head?.close();
    this.charts?.close();
    this.sections.close();
    this.source.close();
    this.tokens.close();
    this.unfollow();
    this.release();
    this.root.remove();
  }
}

export const dashboard = {
  /** @param {{ model: any, el: HTMLElement }} given */
  render({ model, el }) {
    const view = new View(model, el);
    return () => view.close();
  },
};

export default dashboard;
