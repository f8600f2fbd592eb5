/** Exam pictures in a notebook cell. */

import { ExamsView } from "./view.js";
import { followTheme, keepKeys, make } from "../page/dom.js";
import { KernelSource } from "../wire/source.js";

/** @param {{ model: any, el: HTMLElement }} given */
function render({ model, el }) {
  const root = make("div", { class: "wb" });
  const source = new KernelSource(model);
  const view = new ExamsView({ source });
  root.append(view.element);
  el.append(root);
  const ends = [followTheme(root), keepKeys(root), () => source.close()];
  view.open();
  return () => {
    for (const end of ends) end();
    root.remove();
  };
}

export default { render };
