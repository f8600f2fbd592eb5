/** Sections of a run that has checkpoints: prompt the model, evaluate checkpoints, fork the run. */

import { EvaluatePanel } from "./evaluate.js";
import { ForkPanel } from "./fork.js";
import { PromptPanel } from "./prompt.js";

/** @typedef {import("./parts.js").Host} Host @typedef {import("./parts.js").Section} Section */

/** The run may have saved more checkpoints by now. @param {Section} section @returns {import("../page/sections.js").Section} */
function renewed(section) {
  const refresh = async () => {
    try {
      await section.kept.refresh();
    } catch (error) {
      section.status.fail("The checkpoints cannot be read", error);
    }
  };
  return Object.assign(section, { refresh });
}

/** @type {import("../page/sections.js").Given[]} */
export const SECTIONS = [
  { title: "Prompt the model", help: "send a prompt to one checkpoint, or to two side by side", made: (/** @type {Host} */ host) => renewed(new PromptPanel(host)) },
  { title: "Evaluate", help: "pass@1 and pass@k of checkpoints on held-out problems", made: (/** @type {Host} */ host) => renewed(new EvaluatePanel(host)) },
  { title: "Fork", help: "continue from a checkpoint with other settings, as a new run", made: (/** @type {Host} */ host) => renewed(new ForkPanel(host)) },
];
