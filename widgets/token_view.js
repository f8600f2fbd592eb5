/**
 * The rollouts of a step, grouped by problem, every token coloured by a chosen signal.
 *
 * A source answers `index() -> {steps}`, `board(step) -> {groups}` and `group(step, group) -> payload`, all promises.
 */

import { PICKS, SORTS, groupEntry, groupFacts, rewardParts, rolloutHead, sortRollouts } from "./board.js";
import { describeToken, tokenCard } from "./card.js";
import { make } from "./dom.js";
import { FIRST, limitsOf, quantile, show, signalOf } from "./signals.js";
import { helpSheet, legend, signalControl, stepControl } from "./toolbar.js";
import { paintTokens, tokenBlocks, tokenElement } from "./tokens.js";
import { Walker } from "./walker.js";

export class TokenView {
  /** @param {HTMLElement} root @param source see above @param hooks `step(number)` is told of every step shown, `leave()` when the reader chose one */
  constructor(root, source, hooks = {}) {
    this.source = source;
    this.hooks = hooks;
    this.steps = [];
    this.signalName = "advantage";
    this.sort = "sampled";
    this.locks = new Map();
    this.ticket = 0;
    this.rows = [];
    this.root = make("section", { class: "wb-view", "aria-label": "tokens of rollouts" });
    this.toolbar = make("div", { class: "wb-toolbar", role: "toolbar", "aria-label": "what is shown" });
    this.groups = make("nav", { class: "wb-groups", "aria-label": "problems of the step" });
    this.main = make("div", { class: "wb-main" });
    this.dock = make("aside", { class: "wb-dock", hidden: true, "aria-label": "pinned token" });
    this.float = make("div", { class: "wb-float", popover: "manual", "aria-hidden": "true" });
    this.live = make("div", { class: "wb-hidden", "aria-live": "polite" });
    this.body = make("div", { class: "wb-body" }, this.groups, this.main, this.dock);
    this.root.append(this.toolbar, this.body, this.float, this.live);
    root.append(this.root);
    this.walker = new Walker(this);
  }

  /** Shows the first view: a step (the last one by default) and its first group with a signal. */
  async start(step, known) {
    const index = known ?? await this.source.index();
    this.steps = index.steps;
    if (!this.steps.length) return this.say("No rollouts yet: the first step is still being sampled.");
    return this.showStep(step ?? this.steps.at(-1));
  }

  say(text) {
    this.main.replaceChildren(make("p", { class: "wb-note", role: "status" }, text));
  }

  /** Newly recorded steps, while the run goes on. */
  setSteps(steps) {
    this.steps = steps;
    if (this.group) this.drawToolbar();
    else if (steps.length) this.showStep(steps.at(-1));
  }

  /** Whether the reader is at something that must not change under the hands. */
  get busy() {
    return Boolean(this.pinned || this.walker.findBox.value || this.float.matches(":popover-open") || this.list?.matches(":focus"));
  }

  /** A step's rollouts: of the group asked for, else of the same problem, else of the first group with a signal. */
  async showStep(step, wanted) {
    const ticket = ++this.ticket;
    try {
      const board = await this.source.board(step);
      if (ticket !== this.ticket) return;
      this.step = step;
      this.board = board;
      const same = board.groups.find((group) => group.problem === this.group?.rollouts[0]?.problem);
      const alive = board.groups.find((group) => !groupFacts(group).dead);
      this.hooks.step?.(step);
      await this.showGroup(wanted ?? (same ?? alive ?? board.groups[0]).group);
    } catch (error) {
      if (ticket === this.ticket) this.say(`Step ${step} cannot be shown: ${error.message}`);
    }
  }

  /** A step the reader chose, so nothing newer takes its place. */
  chooseStep(step) {
    this.hooks.leave?.();
    return this.showStep(step);
  }

  async showGroup(number) {
    const ticket = ++this.ticket;
    const group = await this.source.group(this.step, number);
    if (ticket !== this.ticket) return;
    const first = !this.group;
    this.group = group;
    if (first && !group.signals.includes(this.signalName)) {
      this.signalName = FIRST.find((name) => group.signals.includes(name)) ?? group.signals[0] ?? "advantage";
    }
    this.hideFloat();
    this.drawGroups();
    this.drawMain();
    this.paint();
  }

  showSignal(name) {
    if (!this.group?.signals.includes(name)) return;
    this.signalName = name;
    this.paint();
  }

  /** The signal shown and the limits of its colours. */
  get look() {
    const signal = signalOf(this.signalName, this.group.columns[this.signalName] ?? []);
    return { signal, limits: this.locks.get(signal.name) ?? limitsOf(signal, this.scaleValues(signal)) };
  }

  /** Numbers the scale is taken from: trained tokens of the group. */
  scaleValues(signal) {
    const values = this.group.columns[signal.name] ?? [];
    return Array.from(values).filter((_, place) => this.group.columns.trained[place]);
  }

  toggleLock() {
    if (!this.locks.delete(this.signalName)) this.locks.set(this.signalName, this.look.limits);
    this.paint();
  }

  paint() {
    const look = this.look;
    for (const row of this.rows) paintTokens(row.spans, this.group, row.rollout, look.signal, look.limits);
    this.drawToolbar();
    this.refreshDock();
  }

  /** The parts of the toolbar that change; the find box stays, and with it its focus. */
  drawToolbar() {
    const { signal, limits } = this.look;
    const focused = document.activeElement?.dataset?.signal;
    this.slots ??= this.toolbarSlots();
    this.slots.step.replaceChildren(stepControl(this.steps, this.step, (step) => this.chooseStep(step)));
    this.slots.signal.replaceChildren(signalControl(this.group.signals, this.signalName, (name) => this.showSignal(name)));
    this.slots.legend.replaceChildren(legend(signal, limits, this.locks.has(signal.name), () => this.toggleLock()));
    if (focused) this.toolbar.querySelector(`[data-signal="${focused}"]`)?.focus();
  }

  toolbarSlots() {
    const slots = { step: make("span", {}), signal: make("span", {}), legend: make("span", {}) };
    const help = make("button", { type: "button", class: "wb-round", title: "keys and marks  ?", "aria-label": "help", click: () => this.toggleHelp() }, "?");
    this.toolbar.append(slots.step, slots.signal, slots.legend, make("span", { class: "wb-spring" }), this.walker.findBox, help);
    return slots;
  }

  drawGroups() {
    this.groups.replaceChildren(...this.board.groups.map((group) =>
      groupEntry(group, group.group === this.group.group, () => this.showGroup(group.group))));
    const chosen = this.groups.querySelector('[aria-pressed="true"]');
    if (chosen) this.groups.scrollTop = chosen.offsetTop - this.groups.clientHeight / 2;
  }

  drawMain() {
    this.rows = sortRollouts(this.group, this.sort).map((rollout) => this.rolloutRow(rollout));
    this.list = make("div", { class: "wb-rollouts", tabindex: 0, role: "group", "aria-label": "rollouts; arrow keys move from token to token" },
      this.rows.map((row) => row.element));
    this.walker.attach(this.list);
    this.main.replaceChildren(this.promptBlock(), this.groupBar(), this.list);
  }

  promptBlock() {
    const prompts = this.group.prompts.map((prompt) => make("div", { class: "wb-prompt", dir: "ltr" },
      prompt.map((token) => tokenElement(this.group.vocabulary[token], "wb-given"))));
    const several = prompts.length > 1 ? ` · ${prompts.length} different prompts` : "";
    const answer = this.group.rollouts[0]?.answer;
    return make("div", {},
      make("div", { class: "wb-caption" }, make("span", {}, `Prompt as the model saw it${several}`),
        answer ? make("span", {}, "wanted ", make("b", { class: "wb-answer" }, answer)) : null,
        make("span", { class: "wb-key" }, this.group.rollouts[0]?.problem ?? "")),
      prompts);
  }

  groupBar() {
    const entry = this.board.groups.find((group) => group.group === this.group.group);
    const { mean, right, dead, judged } = groupFacts(entry);
    const told = `${right} of ${entry.rollouts.length} right${judged ? ` · mean reward ${show(mean)}` : ""}`;
    const sorts = make("select", { "aria-label": "order of the rollouts", change: (event) => { this.sort = event.target.value; this.drawMain(); this.paint(); } },
      Object.entries(SORTS).map(([name, { label }]) => make("option", { value: name, selected: name === this.sort }, label)));
    const picks = Object.entries(PICKS).map(([name, pick]) => make("button", { type: "button", click: () => this.pick(pick) }, name));
    return make("div", { class: "wb-bar-line" }, make("span", {}, told),
      dead ? make("span", { class: "wb-badge" }, "no signal: all rewards are equal") : null,
      this.group.signals.includes("logprob") ? null : make("span", { class: "wb-badge", title: "the update did not read these rollouts" }, "left out by a filter"),
      make("span", { class: "wb-spring" }),
      make("label", { class: "wb-control" }, "order ", sorts),
      make("span", { class: "wb-control", role: "group", "aria-label": "go to" }, picks));
  }

  rolloutRow(rollout) {
    const { element, spans } = tokenBlocks(this.group, rollout);
    const row = make("article", { class: "wb-rollout", "aria-label": `rollout ${rollout.rollout}` },
      rolloutHead(this.group, rollout, this.entropyTop), make("div", { class: "wb-text" }, element, rewardParts(rollout)));
    row.dataset.rollout = rollout.rollout;
    return { element: row, spans, rollout };
  }

  /** Height of the sparklines: the same for the whole group. */
  get entropyTop() {
    const sorted = Float64Array.from(this.group.columns.entropy ?? []).filter(Number.isFinite).sort();
    return sorted.length ? quantile(sorted, 0.99) : 0;
  }

  pick(pick) {
    const rollout = pick(this.group.rollouts);
    const row = this.rows.find((each) => each.rollout === rollout);
    this.walker.go(row, 0);
    this.list.focus({ preventScroll: true });
  }

  /** The card beside a token. */
  showFloat(row, at) {
    const span = row.spans[at];
    this.float.replaceChildren(tokenCard(this.group, row.rollout, at, this.look));
    if (!this.float.matches(":popover-open")) this.float.showPopover();
    const box = span.getClientRects()[0] ?? span.getBoundingClientRect();
    const card = this.float.getBoundingClientRect();
    const left = Math.max(8, Math.min(box.left, innerWidth - card.width - 12));
    const below = box.bottom + 8;
    const top = below + card.height > innerHeight - 8 && box.top - card.height - 8 > 0 ? box.top - card.height - 8 : below;
    this.float.style.left = `${left}px`;
    this.float.style.top = `${top}px`;
  }

  hideFloat() {
    if (this.float.matches(":popover-open")) this.float.hidePopover();
  }

  announce(row, at) {
    clearTimeout(this.speaking);
    this.speaking = setTimeout(() => {
      this.live.textContent = describeToken(this.group, row.rollout, at, this.look.signal);
    }, 250);
  }

  /** Keeps a token's card beside the text. */
  pin(row, at) {
    this.pinned = { group: this.group, rollout: row.rollout, at };
    this.hideFloat();
    this.refreshDock();
  }

  unpin() {
    this.pinned = null;
    this.refreshDock();
  }

  refreshDock() {
    this.dock.hidden = !this.pinned;
    this.body.classList.toggle("wb-docked", Boolean(this.pinned));
    for (const span of this.root.querySelectorAll(".wb-pinned")) span.classList.remove("wb-pinned");
    if (!this.pinned) return this.dock.replaceChildren();
    const { group, rollout, at } = this.pinned;
    if (group === this.group) this.rows.find((row) => row.rollout === rollout)?.spans[at].classList.add("wb-pinned");
    return this.dock.replaceChildren(
      make("button", { type: "button", class: "wb-close", "aria-label": "unpin", title: "unpin  Esc", click: () => this.unpin() }, "×"),
      tokenCard(group, rollout, at, this.look));
  }

  toggleHelp() {
    if (this.help) { this.help.remove(); this.help = null; return; }
    this.help = helpSheet(() => this.toggleHelp());
    this.toolbar.after(this.help);
  }

  close() {
    clearTimeout(this.speaking);
    this.ticket += 1;
    this.root.remove();
  }
}
