/**
 * Makes elements. Strings become text nodes, never markup: what a model wrote passes through here.
 * @param {string} tag
 * @param {Record<string, any>} [attributes] a function is listened to under its name (`click`); null leaves it out
 * @param {...any} children nodes, strings, numbers, lists; null is left out
 */
export function make(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
export function draw(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name, value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Light or dark, as the page around has it; the answer is kept in `data-theme` of the root. */
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

function isDark(query) {
  const { body, documentElement: page } = document;
  if (body.dataset.jpThemeLight) return body.dataset.jpThemeLight === "false";
  if (body.classList.contains("vscode-dark") || body.classList.contains("vscode-high-contrast")) return true;
  if (body.classList.contains("vscode-light")) return false;
  const named = page.dataset.theme || page.getAttribute("theme");
  return named ? named === "dark" : query.matches;
}
