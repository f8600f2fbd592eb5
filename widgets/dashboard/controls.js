/** Orders to a run, the fields that may change while it goes on, and what the trainer answered. */

import { make } from "../page/dom.js";

/** @typedef {{ name: string, verdict: string, text: string, phase: string, step: number, total: number, left: number | null, typical: number | null, ended: boolean, startable: boolean }} State */

const ORDERS = { pause: "Pause", resume: "Resume", checkpoint: "Checkpoint", stop: "Stop" };
const HELP = {
  pause: "after the step under way; the weights stay in memory",
  resume: "goes on; where the trainer is gone, a new one starts from the last checkpoint",
  checkpoint: "keeps the state after the step under way",
  stop: "ends the trainer after the step under way; Resume goes on from there",
};
const SHOWN = 3; // answers, the newest
const LOOKS = [250, 500, 1000]; // milliseconds between two looks for an answer; the last one goes on
const LAST_LOOKS = 5; // after the run has ended

export class Orders {
  /** @param {import("../wire/source.js").KernelSource} source */
  constructor(source) {
    this.source = source;
    /** @type {State | null} */
    this.state = null;
    /** @type {Map<string, HTMLInputElement>} */
    this.fields = new Map();
    this.buttons = Object.entries(ORDERS).map(([order, label]) =>
      make("button", { type: "button", "data-order": order, title: HELP[/** @type {keyof typeof HELP} */ (order)], click: () => this.give(order) }, label));
    this.form = make("form", { class: "wb-live", hidden: true, submit: (event) => { event.preventDefault(); this.change(); } });
    this.opener = make("button", { type: "button", "aria-expanded": "false", title: "fields that may change while the run goes on", click: () => this.open(this.form.hidden) }, "Change …");
    this.buttonRow = make("span", { class: "wb-orders", role: "group", "aria-label": "orders to the run" }, this.buttons, this.opener);
    this.answers = make("ul", { class: "wb-answers", role: "status", "aria-live": "polite" });
  }

  /** @param {State} state @param {boolean} [offered] whether another place offers to resume */
  update(state, offered = false) {
    this.state = state;
    this.offered = offered;
    const going = !state.ended && state.verdict !== "queued" && state.verdict !== "unreadable";
    /** @type {Record<string, boolean>} */
    const usable = { pause: going && state.verdict !== "paused", resume: state.verdict === "paused" || (state.startable && !offered), checkpoint: going, stop: going };
    for (const button of this.buttons) button.hidden = !usable[button.dataset.order ?? ""];
    this.opener.hidden = !going || !this.fields.size;
    if (!going) this.open(false);
  }

  /** @param {boolean} wanted */
  open(wanted) {
    this.form.hidden = !wanted;
    this.opener.setAttribute("aria-expanded", String(wanted));
    if (wanted) [...this.fields.values()][0]?.focus();
  }

  /** The fields that may change, with their values now. @param {import("../charts/strip.js").Setting["live"]} live */
  offer(live) {
    if (!this.form.hidden) return; // somebody is writing
    this.fields = new Map(live.map(({ name, value, help }) => [name, make("input", { name, type: "text", inputmode: "decimal", value: String(value ?? ""), "data-value": String(value ?? ""), title: help, size: 9 })]));
    this.form.replaceChildren(...[...this.fields].map(([name, field]) => make("label", {}, `${name} `, field)),
      make("button", { type: "submit" }, "Apply"), make("span", { class: "wb-muted" }, "from the next step on"));
    if (this.state) this.update(this.state, this.offered);
  }

  /** Orders what was changed in the form; what is no number is said beside it. */
  change() {
    /** @type {Record<string, number>} */
    const values = {};
    for (const [name, field] of this.fields) {
      const value = Number(field.value.trim() || NaN);
      field.setAttribute("aria-invalid", String(!Number.isFinite(value)));
      if (!Number.isFinite(value)) return this.note(`${name} = ${field.value || "nothing"}`, "refused", "give a number");
      if (field.value !== field.dataset.value) values[name] = value;
    }
    if (!Object.keys(values).length) return this.note("Change", "refused", "no field was changed");
    this.open(false);
    return this.ask(Object.entries(values).map(([name, value]) => `${name} = ${value}`).join(", "), { kind: "set", values });
  }

  /** @param {string} order */
  give(order) { return this.ask(ORDERS[/** @type {keyof typeof ORDERS} */ (order)], { kind: "order", order }); }

  /** Sends an order and follows it until the trainer answers. @param {string} what @param {import("../wire/source.js").Request} request */
  async ask(what, request) {
    const line = this.note(what, "asked", "is followed after the step under way");
    try {
      const sent = await this.source.ask(request);
      const answer = sent.result === "pending" ? await this.outcome(sent.number) : sent;
      const where = Number.isFinite(answer.step) ? ` at step ${answer.step}` : "";
      this.say(line, what, answer.result, `${answer.result}${where}${answer.text ? `: ${answer.text}` : ""}`);
    } catch (error) {
      this.say(line, what, "refused", `refused: ${error instanceof Error ? error.message : error}`);
    }
  }

  /** @param {number} number */
  async outcome(number) {
    for (let look = 0, last = 0; last < LAST_LOOKS; look += 1) {
      await new Promise((done) => setTimeout(done, LOOKS[Math.min(look, LOOKS.length - 1)]));
      if (this.closed) break;
      const answer = await this.source.ask({ kind: "outcome", number });
      if (answer.result !== "pending") return answer;
      if (this.state?.ended) last += 1;
    }
    return { result: "refused", text: "the trainer ended before it answered" };
  }

  /** @param {string} what @param {string} result @param {string} text */
  note(what, result, text) {
    const line = make("li", {});
    this.say(line, what, result, result === "asked" ? `asked, ${text}` : text);
    this.answers.prepend(line);
    while (this.answers.children.length > SHOWN) this.answers.lastElementChild?.remove();
    return line;
  }

  /** @param {HTMLElement} line @param {string} what @param {string} result @param {string} text */
  say(line, what, result, text) {
    line.dataset.result = result;
    line.replaceChildren(make("b", {}, what), ` ${text}`);
  }

  close() { this.closed = true; }
}
