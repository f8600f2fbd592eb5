/** One tab stop for several buttons: arrow keys move between them. */

/** @param {HTMLElement} element whose buttons they are @param {boolean} [vertical] whether they stand below each other */
export function rove(element, vertical = false) {
  element.addEventListener("keydown", (event) => {
    const buttons = [...element.querySelectorAll("button")];
    const at = buttons.findIndex((button) => button === document.activeElement);
    const next = { [vertical ? "ArrowDown" : "ArrowRight"]: at + 1, [vertical ? "ArrowUp" : "ArrowLeft"]: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (at < 0 || next === undefined) return;
    event.preventDefault();
    event.stopPropagation(); // or the tokens would move
    buttons[next]?.focus();
  });
  element.addEventListener("focusin", (event) => {
    for (const button of element.querySelectorAll("button")) button.tabIndex = button === event.target ? 0 : -1;
  });
}
