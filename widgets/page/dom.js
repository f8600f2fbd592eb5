/**
 * What an element gets: a function is listened to under its name (`click`); null leaves an attribute out.
 * @typedef {{ [Name in keyof HTMLElementEventMap]?: ((event: HTMLElementEventMap[Name]) => any) | null } & { [name: string]: any }} Attributes
 */

/**
 * Makes elements. Strings become text nodes, never markup: what a model wrote passes through here.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} [attributes]
 * @param {...any} children nodes, strings, numbers, lists; null is left out
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function make(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/**
 * The same for SVG.
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} [attributes]
 * @param {...any} children
 * @returns {SVGElementTagNameMap[Tag]}
 */
export function draw(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

/** @template {Element} T @param {T} element @param {Attributes} attributes @param {any[]} children @returns {T} */
function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name, value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Light or dark, as the page around has it; the answer is kept in `data-theme` of the root. @param {HTMLElement} root */
export function followTheme(root) {
  const query = matchMedia("(prefers-color-scheme: dark)");
  const set = () => { root.dataset.theme = isDark(query) ? "dark" : "light"; };
  const watcher = new MutationObserver(set);
  for (const element of [document.documentElement, document.body]) {
    watcher.observe(element, { attributes: true, attributeFilter: ["class", "theme", "data-theme", "data-jp-theme-light"] });
  }
  query.addEventListener("change", set);
  set();
  return () => { watcher.disconnect(); query.removeEventListener("change", set); };
}

/** Whether a key is a shortcut of the notebook or the browser: with Ctrl, Meta or Alt, or Shift+Enter, which runs a cell. @param {KeyboardEvent} event */
export function isShortcut(event) {
  return event.ctrlKey || event.metaKey || event.altKey || (event.shiftKey && event.key === "Enter");
}

const KEPT = "data-lm-suppress-shortcuts"; // Jupyter's shortcuts look for it, at the focused element alone

/**
 * Keeps plain keys from the notebook around a widget, where `x` cuts a cell; shortcuts still reach it. Notebook 7 hears a
 * key before any element does: only the window comes before it.
 * @param {HTMLElement} element @param {string} around what to take for the widget instead: the nearest ancestor of this selector
 */
export function keepKeys(element, around = "*") {
  const keep = (/** @type {KeyboardEvent} */ event) => {
    const { target } = event;
    if (!(target instanceof Element) || !element.closest(around)?.contains(target)) return;
    target.toggleAttribute(KEPT, !isShortcut(event)); // the Shift of Shift+Enter may still be kept
    setTimeout(() => target.removeAttribute(KEPT));
  };
  window.addEventListener("keydown", keep, true);
  return () => window.removeEventListener("keydown", keep, true);
}

/** @param {MediaQueryList} query */
function isDark(query) {
  const { body, documentElement: page } = document;
  if (body.dataset.jpThemeLight) return body.dataset.jpThemeLight === "false";
  if (body.classList.contains("vscode-dark") || body.classList.contains("vscode-high-contrast")) return true;
  if (body.classList.contains("vscode-light")) return false;
  const named = page.dataset.theme || page.getAttribute("theme");
  return named ? named === "dark" : query.matches;
}
