/** The report: everything lies in the page, so it opens without a network. */

import { Charts } from "./charts.js";
import { followTheme, make } from "./dom.js";
import { Gallery } from "./gallery.js";
import { inflate } from "./payload.js";
import { TokenView } from "./token_view.js";

/** Answers from what was written into the page: `board-STEP` and `group-STEP-GROUP`. */
export class PageSource {
  constructor(index) { this.given = index; }

  async index() { return this.given; }

  async board(step) { return JSON.parse(document.getElementById(`board-${step}`).textContent); }

  group(step, group) { return inflate(document.getElementById(`group-${step}-${group}`).textContent); }
}

/** Fills the page. */
export async function openReport() {
  const root = document.getElementById("report");
  followTheme(root);
  const index = JSON.parse(document.getElementById("index").textContent);
  const curves = document.getElementById("curves");
  const metrics = await inflate(document.getElementById("metrics").textContent);
  let view = null;
  const charts = new Charts(curves, { choose: (step) => view?.showStep(nearest(index.steps, step)) });
  charts.update(metrics);
  if (!index.steps.length) {
    document.getElementById("tokens").append(make("p", { class: "wb-note" }, "This run recorded no rollouts."));
    return;
  }
  view = new TokenView(document.getElementById("tokens"), new PageSource(index), { step: (step) => charts.mark(step) });
  if (index.methods) new Gallery(document.getElementById("gallery"), index.methods, view);
  await view.start();
}

/** The recorded step that lies nearest. */
export function nearest(steps, wanted) {
  return steps.reduce((best, step) => (Math.abs(step - wanted) < Math.abs(best - wanted) ? step : best));
}
