/** "Fork": a new run from a checkpoint of this one, with other settings; errors are shown beside their line. */

import { Checkpoints, NEWEST, Debounce, StatusLine, choices, labelled, messageOf, stepOf } from "./parts.js";
import { make } from "../page/dom.js";

/** @typedef {import("./parts.js").Host} Host @typedef {import("./parts.js").Kept} Kept */
/** @typedef {{ name: string, value: string, help: string }} Field */
/** @typedef {{ beside: string[], errors: string[], changes: string[], note: string, name?: string }} Checked */

const PAUSE = 300; // milliseconds after the last key before the changes are checked
const FIRST = "training.learning_rate";
let lists = 0; // makes the ids of the lists of fields unique

/** The address of a sibling run's page. @param {string} page of the other run: its name below the folder @param {string} name */
export function addressBeside(page, name) {
  return `?${new URLSearchParams({ run: [...page.split("/").slice(0, -1), name].join("/") })}`;
}

export class ForkPanel {
  /** @type {Line[]} */
  lines = [];
  /** @type {Map<string, Field>} */
  fields = new Map();
  ticket = 0;

  /** @param {Host} host */
  constructor(host) {
    this.host = host;
    this.rest = new Debounce(PAUSE);
    this.kept = new Checkpoints(host.source, (kept) => this.offer(kept));
    this.step = make("select", { change: () => this.check() });
    this.name = make("input", { type: "text", size: 26, autocomplete: "off", spellcheck: "false", input: () => this.later() });
    this.list = make("datalist", { id: `wb-ask-fields-${(lists += 1)}` });
    this.rows = make("ol", { class: "wb-ask-changes", "aria-label": "changed fields" });
    this.changes = make("p", { class: "wb-ask-told wb-muted" });
    this.errors = make("ul", { class: "wb-ask-problems", "aria-live": "polite" });
    this.note = make("span", { class: "wb-muted", role: "status" });
    this.button = make("button", { type: "submit", class: "wb-ask-main", disabled: true }, "Start the fork");
    this.status = new StatusLine();
    this.started = make("ul", { class: "wb-ask-started", "aria-live": "polite" });
    this.element = make("div", {}, make("form", { class: "wb-ask-form", submit: (event) => { event.preventDefault(); this.start(); } },
      make("div", { class: "wb-ask-line" }, labelled("Continue from the model", this.step), labelled("as a new run named", this.name), this.note),
      this.list, this.rows, this.changes, this.errors,
      make("div", { class: "wb-ask-line" }, make("button", { type: "button", click: () => this.add("").focus() }, "Change another field"), this.button)),
    this.status.element, this.started);
  }

  async open() {
    try {
      await this.kept.refresh();
      if (!this.fields.size) this.setFields((await this.host.source.ask({ kind: "forkable" })).fields);
      this.status.show("");
      await this.check();
    } catch (error) {
      this.button.disabled = true;
      this.status.fail("This run cannot be forked", error);
    }
  }

  /** @param {Kept} kept */
  offer({ steps }) {
    const kept = choices(steps).slice(1);
    if (!kept.length) throw new Error("it has no checkpoint yet; press Checkpoint above to save one after the current step");
    const chosen = this.step.value || NEWEST;
    this.step.replaceChildren(...kept.map(([value, text]) => make("option", { value, selected: value === chosen }, text)));
  }

  /** @param {Field[]} fields */
  setFields(fields) {
    this.fields = new Map(fields.map((field) => [field.name, field]));
    this.list.replaceChildren(...fields.map(({ name, value }) => make("option", { value: name }, value)));
    if (!this.lines.length) this.add(FIRST);
  }

  // ------------------------------------------------------------------ the changes

  /** A line for a field. @param {string} name */
  add(name) {
    const line = new Line(this.list.id, { changed: () => this.later(), describe: (field) => this.fields.get(field), remove: () => this.remove(line) });
    line.set(name);
    this.lines.push(line);
    this.rows.append(line.element);
    this.later();
    return line;
  }

  /** @param {Line} line */
  remove(line) {
    this.lines = this.lines.filter((each) => each !== line);
    line.element.remove();
    this.name.focus();
    this.later();
  }

  /** The lines with a field and a value. */
  get filled() { return this.lines.filter((line) => line.whole); }

  get request() {
    return { step: stepOf(this.step.value), name: this.name.value.trim(), changes: this.filled.map((line) => line.text) };
  }

  later() {
    this.button.disabled = true;
    this.rest.before(() => this.check());
  }

  /** Has the changes checked; only the newest answer counts. */
  async check() {
    this.ticket += 1;
    const { ticket, filled } = this;
    try {
      const found = await this.host.source.ask({ kind: "fork_check", ...this.request });
      if (ticket === this.ticket) this.showErrors(found, filled);
    } catch (error) {
      if (ticket === this.ticket) this.status.fail("The changes cannot be checked", error);
    }
  }

  /** @param {Checked} found @param {Line[]} filled */
  showErrors({ beside, errors, changes, note, name }, filled) {
    if (name && !this.name.value) this.name.placeholder = name;
    for (const line of this.lines) line.showError("");
    filled.forEach((line, place) => line.showError(beside[place]));
    const invalid = errors.length > 0 || beside.some(Boolean);
    this.changes.textContent = invalid ? "" : changes.length ? `This changes ${changes.join("; ")}.` : "No changes: the fork repeats this run bit for bit.";
    this.errors.replaceChildren(...errors.map((text) => this.errorItem(text)));
    this.note.textContent = note;
    this.status.show("");
    this.button.disabled = invalid;
  }

  /** An error elsewhere; a field that it names can be added. @param {string} text */
  errorItem(text) {
    const [, name] = /^([\w.]+) = /.exec(text) ?? [];
    const known = name && this.fields.has(name) && !this.lines.some((line) => line.field.value === name);
    return make("li", { class: "wb-ask-error" }, text, known ? make("button", { type: "button", click: () => this.add(name).focus() }, `change ${name}`) : null);
  }

  // ------------------------------------------------------------------ the new run

  async start() {
    this.button.disabled = true;
    this.status.show("Starting the fork …");
    try {
      const made = await this.host.source.ask({ kind: "fork", ...this.request });
      this.status.show("");
      this.started.prepend(this.line(made));
      this.name.value = ""; // it is taken now
      await this.check();
    } catch (error) {
      this.status.fail("The fork was not started", error);
    }
  }

  /** @param {{ name: string, path: string, text: string }} made */
  line({ name, path, text }) {
    return make("li", {}, make("b", {}, name), ` started in ${path}: ${text}. `, this.opener(name, path));
  }

  /** How the new run is opened from here. @param {string} name @param {string} path */
  opener(name, path) {
    if (this.host.page) return make("a", { href: addressBeside(this.host.page, name) }, "Open its page");
    if (this.host.opens) return make("button", { type: "button", click: () => this.show(path) }, "Open it");
    return make("span", {}, "Open it with ", make("code", {}, `Dashboard(${JSON.stringify(path)})`));
  }

  /** @param {string} path */
  async show(path) {
    try {
      await this.host.source.ask({ kind: "open", path });
    } catch (error) {
      this.status.show(messageOf(error), true);
    }
  }

  close() { this.rest.stop(); }
}

/** A field and its new value. */
class Line {
  /** @param {string} list of the fields there are @param {{ changed: () => void, describe: (name: string) => Field | undefined, remove: () => void }} hooks */
  constructor(list, hooks) {
    this.hooks = hooks;
    const plain = { type: "text", autocomplete: "off", spellcheck: "false" };
    this.field = make("input", { ...plain, list, size: 26, "aria-label": "field", placeholder: "section.field", input: () => this.renamed() });
    this.value = make("input", { ...plain, size: 16, "aria-label": "new value", input: () => hooks.changed() });
    this.now = make("span", { class: "wb-muted" });
    this.error = make("div", { class: "wb-ask-error", role: "status", hidden: true });
    this.element = make("li", {}, make("div", { class: "wb-ask-line" }, this.field, "=", this.value,
      make("button", { type: "button", class: "wb-round", "aria-label": "keep this field unchanged", title: "keep this field unchanged", click: () => hooks.remove() }, "×"), this.now), this.error);
  }

  /** @param {string} name */
  set(name) {
    this.field.value = name;
    this.renamed();
  }

  renamed() {
    const known = this.hooks.describe(this.field.value.trim());
    this.now.textContent = known ? [`now ${known.value}`, known.help].filter(Boolean).join(" · ") : "";
    this.value.placeholder = known?.value ?? "";
    this.hooks.changed();
  }

  /** Whether field and value are both filled in. */
  get whole() { return Boolean(this.field.value.trim() && this.value.value.trim()); }

  get text() { return `${this.field.value.trim()}=${this.value.value.trim()}`; }

  /** @param {string} error */
  showError(error) {
    this.error.textContent = error;
    this.error.hidden = !error;
    this.value.setAttribute("aria-invalid", String(Boolean(error)));
  }

  focus() { (this.field.value ? this.value : this.field).focus(); }
}
