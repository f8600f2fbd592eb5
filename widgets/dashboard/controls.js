/** Commands to a run, the fields that may change while it trains, and the trainer's replies. */

import { make } from "../page/dom.js";

/** @typedef {{ name: string, verdict: string, text: string, phase: string, step: number, total: number, left: number | null, typical: number | null, ended: boolean, startable: boolean }} State */

const COMMANDS = { pause: "Pause", resume: "Resume", checkpoint: "Checkpoint", stop: "Stop" };
const HELP = {
  pause: "pauses after the current step; the weights stay in memory",
  resume: "continues; if the trainer has ended, a new one starts from the last checkpoint",
  checkpoint: "saves a checkpoint after the current step",
  stop: "ends the trainer after the current step; Resume continues from there",
};
const SHOWN = 3; // replies, the newest
const LOOKS = [250, 500, 1000]; // milliseconds between two checks for a reply; the last one repeats
const LAST_LOOKS = 5; // after the run has ended

export class Commands {
  /** @param {import("../wire/source.js").KernelSource} source */
  constructor(source) {
    this.source = source;
    /** @type {State | null} */
    this.state = null;
    /** @type {Map<string, HTMLInputElement>} */
    this.fields = new Map();
    this.buttons = Object.entries(COMMANDS).map(([command, label]) =>
      make("button", { type: "button", "data-command": command, title: HELP[/** @type {keyof typeof HELP} */ (command)], click: () => this.give(command) }, label));
    this.form = make("form", { class: "wb-live", hidden: true, submit: (event) => { event.preventDefault(); this.change(); } });
    this.opener = make("button", { type: "button", "aria-expanded": "false", title: "fields that may change while the run trains", click: () => this.open(this.form.hidden) }, "Change …");
    this.buttonRow = make("span", { class: "wb-commands", role: "group", "aria-label": "commands to the run" }, this.buttons, this.opener);
    this.replies = make("ul", { class: "wb-replies", role: "status", "aria-live": "polite" });
  }

  /** @param {State} state @param {boolean} [offered] whether the error message offers to resume */
  update(state, offered = false) {
    this.state = state;
    this.offered = offered;
    const going = !state.ended && state.verdict !== "queued" && state.verdict !== "unreadable";
    /** @type {Record<string, boolean>} */
    const usable = { pause: going && state.verdict !== "paused", resume: state.verdict === "paused" || (state.startable && !offered), checkpoint: going, stop: going };
    for (const button of this.buttons) button.hidden = !usable[button.dataset.command ?? ""];
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
    if (!this.form.hidden) return; // the fields are being edited
    this.fields = new Map(live.map(({ name, value, help }) => [name, make("input", { name, type: "text", inputmode: "decimal", value: String(value ?? ""), "data-value": String(value ?? ""), title: help, size: 9 })]));
    this.form.replaceChildren(...[...this.fields].map(([name, field]) => make("label", {}, `${name} `, field)),
      make("button", { type: "submit" }, "Apply"), make("span", { class: "wb-muted" }, "from the next step on"));
    if (this.state) this.update(this.state, this.offered);
  }

  /** Sends the changed fields; a value that is no number is refused here. */
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
    return this.send(Object.entries(values).map(([name, value]) => `${name} = ${value}`).join(", "), { kind: "set", values });
  }

  /** @param {string} command */
  give(command) { return this.send(COMMANDS[/** @type {keyof typeof COMMANDS} */ (command)], { kind: "command", command }); }

  /** Sends a command and waits for the trainer's reply. @param {string} what @param {import("../wire/source.js").Request} request */
  async send(what, request) {
    const line = this.note(what, "queued", "applied after the current step");
    try {
      const sent = await this.source.ask(request);
      const reply = sent.result === "pending" ? await this.outcome(sent.number) : sent;
      const where = Number.isFinite(reply.step) ? ` at step ${reply.step}` : "";
      this.fill(line, what, reply.result, `${reply.result}${where}${reply.text ? `: ${reply.text}` : ""}`);
    } catch (error) {
      this.fill(line, what, "refused", `refused: ${error instanceof Error ? error.message : error}`);
    }
  }

  /** @param {number} number */
  async outcome(number) {
    for (let look = 0, last = 0; last < LAST_LOOKS; look += 1) {
      await new Promise((done) => setTimeout(done, LOOKS[Math.min(look, LOOKS.length - 1)]));
      if (this.closed) break;
      const reply = await this.source.ask({ kind: "outcome", number });
      if (reply.result !== "pending") return reply;
      if (this.state?.ended) last += 1;
    }
    return { result: "refused", text: "the trainer ended before it replied" };
  }

  /** @param {string} what @param {string} result @param {string} text */
  note(what, result, text) {
    const line = make("li", {});
    this.fill(line, what, result, result === "queued" ? `queued: ${text}` : text);
    this.replies.prepend(line);
    while (this.replies.children.length > SHOWN) this.replies.lastElementChild?.remove();
    return line;
  }

  /** @param {HTMLElement} line @param {string} what @param {string} result @param {string} text */
  fill(line, what, result, text) {
    line.dataset.result = result;
    line.replaceChildren(make("b", {}, what), ` ${text}`);
  }

  close() { this.closed = true; }
}
