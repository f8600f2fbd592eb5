/** The effect of a step: gradient weight and change of log-prob of every token, of one problem or of the whole step. */

import { make } from "../page/dom.js";
import { show } from "../page/signals.js";
import { factParts } from "./facts.js";
import { StepTable, signed, textOf, tokenItem, tokenList } from "./lists.js";
import { STILL, against, factsOf, linesOf, outliers, reach, tokensOf, withoutGradient } from "./math.js";
import { StepPlot } from "./plot.js";
import { probesPart } from "./probes.js";
import { StepStrips } from "./strips.js";

/**
 * @typedef {import("../wire/payload.js").Group} Group
 * @typedef {import("../wire/payload.js").Rollout} Rollout
 * @typedef {import("../tokens/token_view.js").TokenView} View
 */

const LISTED = 8; // tokens of a list
const OUTLIERS = 200; // that the arrow keys visit
const KEYS = new Set(["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Home", "End", "PageUp", "PageDown"]);
export const RECORD = "To record it, set record.after in the config to the number of problems whose rollouts are scored again after each step, for example 4; this costs one more forward pass over them.";

export class StepPanel {
  /** @type {Group | null} what is drawn */
  group = null;
  /** @type {import("./math.js").Tokens} */
  tokens;
  /** @type {any} what is shown: a group, or the number of a whole step */
  key = null;
  chosen = -1;
  owner = -1;
  alone = false;
  /** @type {any} the step that was weight for last */
  known = null;

  /** @param {View} view */
  constructor(view) {
    this.view = view;
    this.whole = false;
    this.ticket = 0;
    const host = { choose: (/** @type {number} */ at) => this.choose(at), read: (/** @type {number} */ at) => this.read(at) };
    this.plot = new StepPlot(host);
    this.strips = new StepStrips(host);
    this.table = new StepTable({ pick: ({ rollout }) => this.pick(rollout) });
    this.head = make("div", { class: "wb-bar-line" });
    this.words = make("p", { class: "wb-step-words", role: "status" });
    this.meaning = make("p", { class: "wb-muted wb-step-words" }, "Gradient weight: the lens, −∂L/∂log π of the token in the update. Δ log-prob: log-prob after the step minus the one before it.");
    this.facts = make("div", { class: "wb-step-facts", role: "list", "aria-label": "numbers" });
    this.lists = make("div", { class: "wb-step-lists" });
    this.readout = make("p", { class: "wb-step-readout", "aria-live": "polite" });
    this.caption = make("div", { class: "wb-muted" });
    this.probes = make("div", { class: "wb-step-probes" });
    this.body = make("div", { class: "wb-step-body" }, this.meaning, this.facts,
      make("div", { class: "wb-step-parts" }, make("div", {}, this.plot.canvas, this.readout), make("div", {}, this.lists, this.table.element)),
      this.caption, this.strips.canvas);
    this.element = make("section", { class: "wb-step", hidden: true, tabindex: -1, "aria-label": "effect of the step", keydown: (event) => this.pressed(event) },
      this.head, this.words, this.body, this.probes);
    this.themes = new MutationObserver(() => this.repaint());
  }

  get open() {
    return !this.element.hidden;
  }

  /** Whether the focus is in the panel. */
  get busy() {
    return this.element.contains(document.activeElement);
  }

  toggle() {
    if (this.open) return this.shut();
    if (!this.element.isConnected) this.attach();
    this.element.hidden = false;
    this.key = null;
    this.element.focus({ preventScroll: true });
    return this.update();
  }

  /** Stands above the tokens from the first time on. */
  attach() {
    this.view.stage.body.before(this.element);
    const around = this.element.closest("[data-theme]");
    if (around) this.themes.observe(around, { attributes: true, attributeFilter: ["data-theme"] });
  }

  shut() {
    const inside = this.busy;
    this.element.hidden = true;
    this.view.controls.draw();
    if (inside) this.view.focus();
  }

  /** Called when the view shows another group or step. */
  update() {
    const key = this.whole ? this.view.step : this.view.group;
    if (!this.open || !this.view.group || key === this.key) return;
    this.key = key;
    this.fill();
  }

  // ------------------------------------------------------------------ what is shown

  async fill() {
    const ticket = ++this.ticket;
    const { group } = this.view;
    this.drawHead();
    this.probes.replaceChildren();
    try {
      const shown = this.whole ? await this.ofStep() : group;
      if (ticket !== this.ticket) return;
      const tokens = tokensOf(shown);
      if (tokens.places.length) this.draw(shown, tokens);
      else await this.explain(ticket);
    } catch (error) {
      if (ticket === this.ticket) this.showMessage(/** @type {Error} */ (error).message);
    }
    if (this.view.source.ask) this.drawProbes(ticket);
  }

  /** All rollouts of the step that were scored again; the last result is kept. @returns {Promise<Group>} */
  async ofStep() {
    const { step, source } = this.view;
    if (this.known?.step !== step) this.known = await source.ask({ kind: "step", step });
    return this.known;
  }

  /** In place of numbers. @param {...any} parts */
  showMessage(...parts) {
    this.group = null;
    if (this.body.contains(document.activeElement)) this.element.focus({ preventScroll: true }); // a hidden element loses the focus
    this.body.hidden = true;
    this.words.replaceChildren(...parts);
  }

  /** Explains why there are no numbers, and offers problems that have some. @param {number} ticket */
  async explain(ticket) {
    const { group, source, step } = this.view;
    if (group.kind !== "group") return this.showMessage("No update was trained on these rollouts, so they have no gradient. Choose a problem of the step.");
    const again = source.ask ? /** @type {any} */ (await this.ofStep()) : this.listed();
    if (ticket !== this.ticket) return undefined;
    const numbers = [...new Set(again.rollouts.map((/** @type {Rollout} */ rollout) => rollout.group))];
    if (!numbers.length) return this.showMessage(`The effect of step ${step} was not recorded: none of its rollouts was scored again after the update. ${RECORD}`);
    const go = (/** @type {number} */ number) => make("button", { type: "button", click: () => this.view.showGroup(number) }, `problem ${number}`);
    return this.showMessage(`${again.groups} of ${again.all} problems of step ${step} were scored again after the update; this one was not. `, ...numbers.slice(0, 12).map(go));
  }

  /** Where no kernel answers: what the board says was scored again. */
  listed() {
    const { groups } = this.view.boardShown;
    const again = groups.filter((entry) => entry.again);
    return { rollouts: again.map(({ group }) => ({ group })), groups: again.length, all: groups.length };
  }

  drawHead() {
    const active = this.head.contains(document.activeElement) ? document.activeElement?.textContent : null;
    const way = (/** @type {boolean} */ whole, /** @type {string} */ label) => make("button", { type: "button", "aria-pressed": String(this.whole === whole),
      click: () => { this.whole = whole; this.update(); } }, label);
    this.head.replaceChildren(make("b", {}, `Effect of step ${this.view.step}`),
      this.view.source.ask ? make("span", { class: "wb-control", role: "group", "aria-label": "rollouts to include" }, way(false, "this problem"), way(true, "the whole step")) : "",
      make("span", { class: "wb-spring" }),
      make("button", { type: "button", class: "wb-close", "aria-label": "close", title: "close  w", click: () => this.shut() }, "×"));
    const again = active && [...this.head.querySelectorAll("button")].find((each) => each.textContent === active);
    if (again instanceof HTMLElement) again.focus();
  }

  /** @param {Group} group @param {import("./math.js").Tokens} tokens */
  draw(group, tokens) {
    const facts = factsOf(tokens);
    this.group = group;
    this.tokens = tokens;
    this.body.hidden = false;
    const { left_out: omitted } = /** @type {any} */ (group);
    this.words.textContent = omitted ? `The first ${group.rollouts.length} rollouts are shown; ${omitted} more were scored again.` : "";
    this.facts.replaceChildren(...factParts(facts));
    const drawn = { tokens, slope: facts.slope, outliers: outliers(tokens, facts.slope, OUTLIERS), reach: { weight: reach(tokens.weight), delta: reach(tokens.delta) } };
    this.drawn = drawn;
    const item = (/** @type {number} */ at) => tokenItem(group, tokens, at, (each) => this.read(each));
    this.lists.replaceChildren(
      tokenList("Moved against the gradient", "weight × Δ log-prob most negative", against(tokens, LISTED).map(item)),
      tokenList("Moved without gradient", "through shared parameters", withoutGradient(tokens, LISTED).map(item)));
    this.table.show(linesOf(group, tokens), this.whole);
    this.plot.show(drawn);
    const here = this.view.walker.place?.rollout.rollout;
    const owner = group.rollouts.findIndex(({ rollout }, place) => rollout === here && tokens.owners.includes(place));
    this.mark(-1, owner < 0 ? tokens.owners[0] : owner, owner >= 0 && !this.whole);
    if (document.activeElement === this.element) this.plot.canvas.focus({ preventScroll: true });
  }

  /** @param {number} ticket */
  async drawProbes(ticket) {
    const { source, step } = this.view;
    /** @type {Node} */
    let part;
    try {
      part = probesPart(await source.ask({ kind: "step_probes", step }), step);
    } catch (error) {
      part = make("p", { class: "wb-muted" }, /** @type {Error} */ (error).message);
    }
    if (ticket === this.ticket) this.probes.replaceChildren(part);
  }

  // ------------------------------------------------------------------ a token, a rollout

  /** @param {number} chosen number of a token, -1: none @param {number} owner its rollout @param {boolean} alone whether the rollout stands out among the dots */
  mark(chosen, owner, alone) {
    const group = /** @type {Group} */ (this.group);
    this.chosen = chosen;
    this.owner = owner;
    this.alone = alone;
    const rollout = group.rollouts[owner];
    this.plot.mark(chosen, alone ? owner : -1);
    this.strips.show(/** @type {any} */ (this.drawn), owner, chosen);
    this.table.mark(rollout);
    this.caption.textContent = `Rollout #${rollout.rollout}: gradient weight of each token above, Δ log-prob below (square-root scale)`;
    this.readout.textContent = chosen < 0 ? `${this.tokens.places.length.toLocaleString("en")} tokens. ● up-weighted, □ down-weighted, × zero gradient; dashed: least-squares slope. ← →: outliers, Enter: show the token`
      : this.describe(chosen);
  }

  /** A token in words. @param {number} at */
  describe(at) {
    const { weight, delta, places, owners } = this.tokens;
    const group = /** @type {Group} */ (this.group);
    const rollout = group.rollouts[owners[at]];
    const how = Math.abs(delta[at]) <= STILL ? "did not move" : !weight[at] ? "zero gradient" : weight[at] * delta[at] > 0 ? "same sign" : "opposite sign";
    return `${textOf(group, places[at])} · rollout #${rollout.rollout}, token ${places[at] - rollout.start + 1} · gradient weight ${signed(weight[at])} · Δ log-prob ${signed(delta[at])} (probability × ${show(Math.exp(delta[at]), 3)}) · ${how}`;
  }

  /** @param {number} at */
  choose(at) {
    this.mark(at, this.tokens.owners[at], Boolean(this.alone && this.tokens.owners[at] === this.owner));
  }

  /** @param {Rollout} rollout */
  pick(rollout) {
    const owner = /** @type {Group} */ (this.group).rollouts.indexOf(rollout);
    this.mark(-1, owner, !(this.alone && this.owner === owner));
  }

  /** To a token in the text. @param {number} at */
  async read(at) {
    const { view } = this;
    const group = /** @type {Group} */ (this.group);
    const { rollout, start, group: number } = group.rollouts[this.tokens.owners[at]];
    this.choose(at);
    if (view.group.group !== number || view.group.kind !== "group") await view.showGroup(Number(number));
    const found = view.group.rollouts.find((each) => each.rollout === rollout);
    if (found) view.board.read([found], this.tokens.places[at] - start);
  }

  // ------------------------------------------------------------------ keys, theme, end

  /** @param {KeyboardEvent} event */
  pressed(event) {
    if (event.key === "Escape") this.shut();
    if (KEYS.has(event.key) || event.key === "Escape") event.stopPropagation(); // or the tokens would move
  }

  repaint() {
    this.plot.paint();
    this.strips.paint();
  }

  close() {
    this.ticket += 1;
    this.themes.disconnect();
    this.plot.close();
    this.strips.close();
  }
}
