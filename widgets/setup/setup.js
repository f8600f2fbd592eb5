/** The set-up form is made in Python; in the browser it only keeps its keys from the notebook. */

import { keepKeys } from "../page/dom.js";

export default {
  /** @param {{ el: HTMLElement }} given */
  render({ el }) {
    return keepKeys(el, ".wf-workbench");
  },
};
