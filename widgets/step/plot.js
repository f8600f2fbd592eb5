/** Gradient weight against Δ log-prob, one dot per token. Arrow keys go from outlier to outlier. */

import { isShortcut, make } from "../page/dom.js";
import { show } from "../page/signals.js";

/** @typedef {import("./math.js").Tokens} Tokens @typedef {{ tokens: Tokens, slope: number, outliers: number[], reach: { weight: number, delta: number } }} Drawn */

const EDGE = { left: 54, right: 10, top: 10, bottom: 34 }; // pixels around the dots
const MOST_DOTS = 40_000; // more are thinned evenly; the outliers are always drawn
const NEAR = 14; // pixels within which a click selects a dot

export class StepPlot {
  /** @type {Drawn | null} */
  drawn = null;
  /** @type {number} number of the token that is chosen; -1: none */
  chosen = -1;
  /** @type {number} of the rollout that stands out; -1: none */
  owner = -1;

  /** @param {{ choose: (at: number) => void, read: (at: number) => void }} host */
  constructor(host) {
    this.host = host;
    this.canvas = make("canvas", { class: "wb-step-plot", tabindex: 0, role: "img", "aria-roledescription": "scatter plot",
      "aria-label": "gradient weight against change of log-prob, one dot per token; arrow keys go from outlier to outlier, Enter shows the token",
      keydown: (event) => this.key(event), click: (event) => this.clicked(event) });
    this.watcher = new ResizeObserver(() => this.paint());
    this.watcher.observe(this.canvas);
  }

  /** @param {Drawn} drawn */
  show(drawn) {
    this.drawn = drawn;
    this.paint();
  }

  /** @param {number} chosen @param {number} owner */
  mark(chosen, owner) {
    this.chosen = chosen;
    this.owner = owner;
    this.paint();
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (isShortcut(event)) return;
    const order = this.drawn?.outliers ?? [];
    const here = order.indexOf(this.chosen);
    const next = { ArrowRight: here + 1, ArrowDown: here + 1, ArrowLeft: Math.max(0, here - 1), ArrowUp: Math.max(0, here - 1), Home: 0, End: order.length - 1 }[event.key];
    if (event.key === "Enter" && this.chosen >= 0) this.host.read(this.chosen);
    else if (next === undefined) return;
    else if (order[next] !== undefined) this.host.choose(order[next]);
    event.preventDefault();
    event.stopPropagation(); // or the tokens would move
  }

  /** The nearest dot. @param {MouseEvent} event */
  clicked(event) {
    if (!this.drawn) return;
    const { weight, delta } = this.drawn.tokens;
    const { x, y } = this.scales();
    let [best, near] = [-1, NEAR ** 2];
    for (let at = 0; at < weight.length; at += 1) {
      const distance = (x(weight[at]) - event.offsetX) ** 2 + (y(delta[at]) - event.offsetY) ** 2;
      if (distance < near) [best, near] = [at, distance];
    }
    if (best >= 0) this.host.choose(best);
  }

  /** From numbers to pixels; what lies beyond the axes stands at their edge. */
  scales() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const reach = this.drawn?.reach ?? { weight: 1, delta: 1 };
    const inside = (/** @type {number} */ part) => Math.max(-1, Math.min(1, part));
    const [wide, high] = [(width - EDGE.left - EDGE.right) / 2, (height - EDGE.top - EDGE.bottom) / 2];
    return {
      x: (/** @type {number} */ value) => EDGE.left + wide * (1 + inside(value / reach.weight)),
      y: (/** @type {number} */ value) => EDGE.top + high * (1 - inside(value / reach.delta)),
    };
  }

  paint() {
    const context = this.drawn && cleared(this.canvas);
    if (!context) return;
    const colours = coloursOf(this.canvas);
    this.paintFrame(context, colours);
    this.paintDots(context, colours);
    if (this.chosen >= 0) this.paintChosen(context, colours);
  }

  /** @param {CanvasRenderingContext2D} context @param {Colours} colours */
  paintFrame(context, colours) {
    const { reach, slope } = /** @type {Drawn} */ (this.drawn);
    const { x, y } = this.scales();
    const [left, right, top, bottom] = [x(-Infinity), x(Infinity), y(Infinity), y(-Infinity)];
    context.fillStyle = colours.soft;
    context.fillRect(x(0), top, right - x(0), y(0) - top);
    context.fillRect(left, y(0), x(0) - left, bottom - y(0));
    context.strokeStyle = colours.line;
    context.strokeRect(left, top, right - left, bottom - top);
    line(context, [[left, y(0)], [right, y(0)]], colours.muted);
    line(context, [[x(0), top], [x(0), bottom]], colours.muted);
    if (slope) {
      const most = Math.min(reach.weight, reach.delta / Math.abs(slope));
      line(context, [[x(-most), y(-most * slope)], [x(most), y(most * slope)]], colours.accent, [5, 4]);
    }
    context.fillStyle = colours.muted;
    context.font = `11px ${colours.font}`;
    write(context, "same sign", right - 5, top + 13, "right");
    write(context, "same sign", left + 5, bottom - 6, "left");
    write(context, "opposite sign", left + 5, top + 13, "left");
    write(context, "opposite sign", right - 5, bottom - 6, "right");
    for (const part of [-1, 0, 1]) {
      write(context, show(part * reach.weight, 2), x(part * reach.weight), bottom + 14, part < 0 ? "left" : part ? "right" : "center");
      write(context, show(part * reach.delta, 2), left - 5, y(part * reach.delta) + (part > 0 ? 9 : part ? -1 : 4), "right");
    }
    write(context, "gradient weight (lens) →", (left + right) / 2, bottom + 28, "center");
    context.save();
    context.translate(12, (top + bottom) / 2);
    context.rotate(-Math.PI / 2);
    write(context, "Δ log-prob →", 0, 0, "center");
    context.restore();
  }

  /** Discs are up-weighted, open squares down-weighted, crosses have zero gradient. @param {CanvasRenderingContext2D} context @param {Colours} colours */
  paintDots(context, colours) {
    const { tokens: { weight, delta, owners }, outliers } = /** @type {Drawn} */ (this.drawn);
    const { x, y } = this.scales();
    const apart = Math.ceil(weight.length / MOST_DOTS);
    const dot = (/** @type {number} */ at) => {
      const [cx, cy] = [x(weight[at]), y(delta[at])];
      context.globalAlpha = this.owner >= 0 && owners[at] !== this.owner ? 0.22 : 0.8;
      context.beginPath();
      if (weight[at] > 0) { context.fillStyle = colours.up; context.arc(cx, cy, 2.6, 0, 7); context.fill(); return; }
      context.strokeStyle = weight[at] < 0 ? colours.down : colours.muted;
      if (weight[at] < 0) context.rect(cx - 2.3, cy - 2.3, 4.6, 4.6);
      else { context.moveTo(cx - 2, cy - 2); context.lineTo(cx + 2, cy + 2); context.moveTo(cx - 2, cy + 2); context.lineTo(cx + 2, cy - 2); }
      context.stroke();
    };
    for (let at = 0; at < weight.length; at += apart) dot(at);
    if (apart > 1) outliers.forEach(dot);
    context.globalAlpha = 1;
  }

  /** @param {CanvasRenderingContext2D} context @param {Colours} colours */
  paintChosen(context, colours) {
    const { weight, delta } = /** @type {Drawn} */ (this.drawn).tokens;
    const { x, y } = this.scales();
    context.strokeStyle = colours.text;
    context.lineWidth = 2;
    context.beginPath();
    context.arc(x(weight[this.chosen]), y(delta[this.chosen]), 7, 0, 7);
    context.stroke();
    context.lineWidth = 1;
  }

  close() {
    this.watcher.disconnect();
  }
}

/** @typedef {ReturnType<typeof coloursOf>} Colours */

/** An empty canvas as sharp as the screen, drawn on in CSS pixels; null while it has no width. @param {HTMLCanvasElement} canvas */
export function cleared(canvas) {
  const { clientWidth: width, clientHeight: height } = canvas;
  const context = canvas.getContext("2d");
  if (!context || !width) return null;
  const density = devicePixelRatio || 1;
  canvas.width = Math.round(width * density);
  canvas.height = Math.round(height * density);
  context.scale(density, density);
  return context;
}

/** Colours of the theme: a canvas cannot inherit them. @param {HTMLElement} element */
export function coloursOf(element) {
  const style = getComputedStyle(element);
  const of = (/** @type {string} */ name) => style.getPropertyValue(`--wb-${name}`).trim();
  return { up: of("up-edge"), down: of("down-edge"), text: style.color, muted: of("muted"), line: of("line"), soft: of("soft"), accent: of("accent"), font: style.fontFamily };
}

/** @param {CanvasRenderingContext2D} context @param {number[][]} points @param {string} colour @param {number[]} [dashes] */
function line(context, points, colour, dashes = []) {
  context.strokeStyle = colour;
  context.setLineDash(dashes);
  context.beginPath();
  points.forEach(([x, y], place) => (place ? context.lineTo(x, y) : context.moveTo(x, y)));
  context.stroke();
  context.setLineDash([]);
}

/** @param {CanvasRenderingContext2D} context @param {string} text @param {number} x @param {number} y @param {CanvasTextAlign} align */
function write(context, text, x, y, align) {
  context.textAlign = align;
  context.fillText(text, x, y);
}
