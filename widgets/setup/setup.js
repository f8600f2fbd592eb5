/** The set-up form is made in Python alone; what it needs of the browser is this: its keys stay in it. */

import { keepKeys } from "../page/dom.js";

export default {
  /** @param {{ el: HTMLElement }} given */
  render({ el }) {
    return keepKeys(el, ".wf-workbench");
  },
};
