/** The report: everything lies in the page, so it opens without a network. */

import { Charts } from "../charts/charts.js";
import { followTheme, make } from "../page/dom.js";
import { Gallery } from "./gallery.js";
import { inflate } from "../wire/payload.js";
import { TokenView } from "../tokens/token_view.js";

/** `tracked`: whether tracked problems lie in the page. @typedef {{ steps: number[], tracked: boolean, methods?: import("./gallery.js").GalleryMethod[] } & Record<string, any>} Index */

/** An element that the page was written with. @param {string} name @returns {HTMLElement} */
function written(name) {
  const element = document.getElementById(name);
  if (!element) throw new Error(`the report has no element ${name}: write the report again`);
  return element;
}

/** What an element holds as text. @param {string} name */
const textOf = (name) => written(name).textContent ?? "";

/** Answers from what was written into the page: `board-STEP`, `group-STEP-GROUP`, `probe-STEP-GROUP`, `histories`. */
export class PageSource {
  /** @param {Index} index */
  constructor(index) {
    this.given = index;
    /** The tracked problems at the first and at the last evaluation, where there are some. */
    this.histories = index.tracked ? async (/** @type {string} */ problem) =>
      ({ own: { problem, question: "", cells: [], count: 0 }, unreadable: [], ...JSON.parse(textOf("histories")) }) : null;
  }

  async index() { return this.given; }

  /** @param {number} step */
  async board(step) { return JSON.parse(textOf(`board-${step}`)); }

  /** @param {number} step @param {number} group */
  group(step, group) { return inflate(textOf(`group-${step}-${group}`)); }

  /** @param {number} step @param {number} group */
  probe(step, group) { return inflate(textOf(`probe-${step}-${group}`)); }
}

/** Fills the page. */
export async function openReport() {
  followTheme(written("report"));
  /** @type {Index} */
  const index = JSON.parse(textOf("index"));
  const metrics = await inflate(textOf("metrics"));
  /** @type {TokenView | null} */
  let view = null;
  const charts = new Charts(written("curves"), { choose: (step) => view?.showStep(nearest(index.steps, step)) });
  charts.update(metrics);
  if (!index.steps.length) {
    written("tokens").append(make("p", { class: "wb-note" }, "This run recorded no rollouts."));
    return;
  }
  view = new TokenView(written("tokens"), new PageSource(index), { step: (step) => charts.mark(step) });
  if (index.methods) new Gallery(written("gallery"), index.methods, view);
  await view.start();
  offerProbes(view);
}

/** The buttons of the tracked problems open their tokens below. @param {TokenView} view */
function offerProbes(view) {
  for (const button of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".wb-open-probe"))) {
    button.addEventListener("click", async () => {
      await view.board.history?.open({ step: Number(button.dataset.step), group: Number(button.dataset.group) });
      view.root.scrollIntoView({ block: "start" });
    });
  }
}

/** The recorded step that lies nearest. @param {number[]} steps @param {number} wanted */
export function nearest(steps, wanted) {
  return steps.reduce((best, step) => (Math.abs(step - wanted) < Math.abs(best - wanted) ? step : best));
}
