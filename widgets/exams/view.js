/** "Exams": pass@k curves of chosen models, where they cross, problems gained and lost; as a table too. */

import { crossingsText, figure, percent } from "./figure.js";
import { supportView } from "./support.js";
import { make } from "../page/dom.js";
import { visible } from "../page/tokens.js";
import { Newest } from "../wire/newest.js";

/**
 * @typedef {{ run: string, step: number }} Model
 * @typedef {{ run: string, exams: { exam: string, models: Model[] }[], first: Record<string, [string, number][]> }} Stores
 * @typedef {{ exam: string, problems: number, asked: number, models: import("./figure.js").Model[], pairs: import("./figure.js").Pair[],
 *   matrix: import("./support.js").Matrix | null, csv: string, markdown: string }} Pictures
 * @typedef {{ source: { ask: (request: { kind: string } & Record<string, any>) => Promise<any> } }} Host
 */

const MOST = 8; // models in one picture

/** @param {string} exam */
const examText = (exam) => exam || "held-out problems of the run";

/** @param {Model} model @param {string} own */
function modelText({ run, step }, own) {
  const text = step === 0 ? "before training" : `step ${step}`;
  return run === own ? text : `${run}: ${text}`;
}

export class ExamsView {
  /** @type {Stores | null} */
  stores = null;
  /** @type {Pictures | null} */
  found = null;
  exam = "";
  /** @type {[string, number][]} */
  chosen = [];

  /** @param {Host} host */
  constructor(host) {
    this.host = host;
    this.newest = new Newest((request) => host.source.ask(request), (found) => this.draw(found), (error) => this.say(error.message));
    this.controls = make("div", { class: "wb-bar-line" });
    this.models = make("div", { class: "wb-exam-models", role: "group", "aria-label": "models in the picture; the first one is the base" });
    this.pictures = make("div", { class: "wb-exam-pictures" });
    this.status = make("p", { class: "wb-muted", role: "status" });
    this.element = make("div", { class: "wb-exams" }, this.controls, this.models, this.pictures, this.status);
  }

  async open() {
    try {
      this.offer(await this.host.source.ask({ kind: "exam_stores" }));
    } catch (error) {
      this.say(error instanceof Error ? error.message : String(error));
    }
  }

  /** @param {string} text */
  say(text) { this.status.textContent = text; }

  /** @param {Stores} stores */
  offer(stores) {
    const same = JSON.stringify(stores) === JSON.stringify(this.stores);
    this.stores = stores;
    if (same && this.found) return;
    if (!stores.exams.length) return this.say("No samples yet: evaluate a checkpoint (Evaluate, or workbench eval), and its curves are here.");
    if (!stores.exams.some(({ exam }) => exam === this.exam && this.chosen.length)) this.pick(stores.exams[0].exam);
    this.drawControls();
    this.ask();
  }

  /** @param {string} exam */
  pick(exam) {
    this.exam = exam;
    this.chosen = this.stores?.first[exam] ?? [];
  }

  ask() {
    this.drawModels();
    if (this.chosen.length) this.newest.request({ kind: "exam_curves", exam: this.exam, models: this.chosen });
    else this.pictures.replaceChildren();
  }

  drawControls() {
    const exams = this.stores?.exams ?? [];
    const list = make("select", { "aria-label": "exam", change: () => { this.pick(list.value); this.ask(); } },
      exams.map(({ exam }) => make("option", { value: exam, selected: exam === this.exam }, examText(exam))));
    const copy = make("button", { type: "button", click: () => this.copy() }, "copy as Markdown");
    const save = make("button", { type: "button", click: () => this.save() }, "download CSV");
    this.controls.replaceChildren(make("label", { class: "wb-control" }, "exam ", list), make("span", { class: "wb-spring" }), copy, save);
  }

  drawModels() {
    const held = document.activeElement instanceof HTMLElement && this.models.contains(document.activeElement) ? document.activeElement.textContent : null;
    const models = this.stores?.exams.find(({ exam }) => exam === this.exam)?.models ?? [];
    const own = this.stores?.run ?? "";
    const place = (/** @type {Model} */ model) => this.chosen.findIndex(([run, step]) => run === model.run && step === model.step);
    this.models.replaceChildren(...models.map((model) => make("button", { type: "button", "aria-pressed": String(place(model) >= 0), disabled: place(model) < 0 && this.chosen.length >= MOST,
      title: place(model) === 0 ? "the base of the others" : "in the picture, or not", click: () => this.turn(model, place(model)) }, `${visible(modelText(model, own))}${place(model) === 0 && this.chosen.length > 1 ? " (base)" : ""}`)));
    if (held) [...this.models.querySelectorAll("button")].find((each) => each.textContent === held)?.focus();
  }

  /** Puts a model into the picture, or takes it out. @param {Model} model @param {number} place */
  turn({ run, step }, place) {
    this.chosen = place >= 0 ? this.chosen.filter((_, at) => at !== place) : [...this.chosen, [run, step]];
    this.ask();
  }

  /** @param {Pictures} found */
  draw(found) {
    this.found = found;
    const { models, pairs, matrix, problems, asked } = found;
    this.pictures.replaceChildren(...(models[0].curve.length > 1 ? [figure(models, pairs)] : []), make("div", { class: "wb-exam-side" }, table(models),
      make("ul", { class: "wb-exam-crossings" }, crossingsText(models, pairs).map((text) => make("li", {}, text)))),
    ...(matrix ? [supportView(matrix, models[0].label, models[models.length - 1].label)] : []));
    this.say(`${problems.toLocaleString("en")} problems${asked > problems ? ` that all of these models were asked, of ${asked.toLocaleString("en")}` : ""}`);
  }

  // ------------------------------------------------------------------ as a table

  async copy() {
    if (!this.found) return;
    try {
      await navigator.clipboard.writeText(this.found.markdown);
      this.say("copied as Markdown");
    } catch {
      this.pictures.prepend(make("textarea", { class: "wb-exam-text", readonly: true, rows: 6, "aria-label": "the table as Markdown" }, this.found.markdown));
      this.say("this browser does not let a page copy: the text stands above");
    }
  }

  save() {
    if (!this.found) return;
    const address = URL.createObjectURL(new Blob([this.found.csv], { type: "text/csv" }));
    make("a", { href: address, download: `pass-at-k-${this.found.exam || "held-out"}.csv` }).click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
    this.say(`saved as pass-at-k-${this.found.exam || "held-out"}.csv`);
  }

  close() {}
}

/** The numbers of the curves. @param {import("./figure.js").Model[]} models */
function table(models) {
  const ks = models[0].curve.map(({ k }) => k);
  return make("div", { class: "wb-rows" }, make("table", { class: "wb-exam-table" },
    make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "k"), models.map(({ label }, place) => make("th", { scope: "col" }, make("span", { class: `wb-tag wb-c${place % MOST}` }, visible(label)))))),
    make("tbody", {}, ks.map((k, row) => make("tr", {}, make("th", { scope: "row" }, k), models.map(({ curve }) => {
      const { value, low, high } = curve[row];
      return make("td", {}, make("b", {}, percent(value)), make("span", { class: "wb-muted" }, ` ${percent(low)} to ${percent(high)}`));
    }))))));
}
