import { make } from "./dom.js";

/**
 * A text in a box, and a button that copies it.
 * @param {{ model: any, el: HTMLElement }} view
 */
function render({ model, el }) {
  const box = make("textarea", { class: "wf-copy-text", readonly: true, rows: 12, spellcheck: "false", "aria-label": model.get("label") });
  const status = make("span", { role: "status" });
  const button = make("button", { class: "jupyter-button", type: "button", click: () => copy(box, status) }, "Copy");
  const draw = () => { box.value = model.get("value"); status.textContent = ""; };
  model.on("change:value", draw);
  draw();
  el.append(make("div", { class: "wf-copy" }, box, make("div", {}, button, " ", status)));
  return () => model.off("change:value", draw);
}

/**
 * Copies, or selects the text where the browser does not let a page copy.
 * @param {HTMLTextAreaElement} box
 * @param {HTMLElement} status
 */
async function copy(box, status) {
  box.select();
  try {
    await navigator.clipboard.writeText(box.value);
    status.textContent = "copied";
  } catch {
    status.textContent = "selected: press Ctrl+C or ⌘C";
  }
}

export default { render };
