/** The prefix tree in the page, with the mean reward of each branch; choosing a branch filters by it. */

import { isShortcut, make } from "../page/dom.js";
import { everyBranch, meanKnown, prefixTree } from "./prefix_tree.js";
import { idsOf } from "../text/shades.js";
import { levelOf, paintClass, show, signalOf } from "../page/signals.js";
import { readingOf, visible } from "../page/tokens.js";

/**
 * @typedef {import("../wire/payload.js").Group} Group
 * @typedef {import("../wire/payload.js").Rollout} Rollout
 * @typedef {import("./prefix_tree.js").Branch} Branch
 * A branch that is in sight, and where it stands.
 * @typedef {{ branch: Branch, parent: Branch | null, level: number }} Line
 */

const MOST_OPEN = 24; // a larger tree is expanded to its first divergence only
const MOST_TOKENS = 40; // of a branch's text
const KEYS = "click or Space: show only this branch · Enter: go to its text";

export class PrefixTree {
  /** @type {Group} */
  group;
  /** @type {Branch} */
  root;
  /** @type {Branch} that has the keyboard focus */
  current;
  /** @type {import("../page/signals.js").Limits} of the colours */
  limits;
  /** @type {Line[]} */
  drawn;
  /** @type {number} reward of the whole group */
  mean;
  /** @type {Set<Rollout>} those that pass the other filters */
  passing;

  /** @param {{ changed: () => void, visit: (rollouts: Rollout[], at: number) => void }} host `changed`: the filter has changed */
  constructor(host) {
    this.host = host;
    /** @type {Branch | null} whose rollouts are shown */
    this.chosen = null;
    /** @type {Set<Branch>} */
    this.open = new Set();
    this.list = make("div", { class: "wb-tree", role: "tree", "aria-label": "prefix tree of the rollouts",
      keydown: (event) => this.key(event), click: (event) => this.clicked(event) });
    this.element = make("section", { class: "wb-parting-tree", "aria-label": "prefix tree" },
      make("div", { class: "wb-board-head" }, "prefix tree",
        make("span", { class: "wb-key", title: KEYS }, KEYS)), this.list);
  }

  /** Rollouts of the chosen branch; null where none is chosen. */
  get members() {
    return this.chosen ? new Set(this.chosen.members.map((member) => this.group.rollouts[member])) : null;
  }

  /** @param {Group} group */
  update(group) {
    this.group = group;
    this.chosen = null;
    this.passing = new Set(group.rollouts);
    const root = prefixTree(group.rollouts.map((rollout) => idsOf(group, rollout)));
    this.root = root;
    const all = everyBranch(root);
    this.open = new Set(isTrivial(root) ? [] : all.length > MOST_OPEN ? [root] : all);
    this.mean = this.meanOf(root);
    const high = Math.max(...all.map((branch) => Math.abs(this.meanOf(branch) - this.mean)).filter(Number.isFinite), 0);
    this.limits = { low: -high, high };
    this.current = root;
    this.draw();
  }

  /** @param {Branch} branch */
  meanOf(branch) {
    return meanKnown(branch.members.map((member) => this.group.rollouts[member].reward));
  }

  /** Branches in sight, from above. @returns {Line[]} */
  lines() {
    /** @type {(branch: Branch, parent: Branch | null, level: number) => Line[]} */
    const below = (branch, parent, level) => [{ branch, parent, level },
      ...(this.open.has(branch) ? branch.children.flatMap((child) => below(child, branch, level + 1)) : [])];
    return below(this.root, null, 1);
  }

  draw() {
    const inside = this.list.contains(document.activeElement);
    this.drawn = this.lines();
    this.list.replaceChildren(...this.drawn.map((line) => this.item(line)));
    if (inside) this.focus(this.current);
  }

  /** @param {Line} line */
  item({ branch, parent, level }) {
    const mean = this.meanOf(branch);
    const unit = 10 ** Math.floor(Math.log10(this.limits.high) - 2); // precision: a hundredth of the largest, or finer
    const above = Math.round((mean - this.mean) / unit) * unit;
    const open = this.open.has(branch);
    const text = this.textOf(branch);
    const count = branch.members.length;
    const paint = Number.isFinite(mean) ? paintClass(signalOf("advantage"), levelOf(signalOf("advantage"), this.limits, mean - this.mean)) : "wb-missing";
    const sign = above ? ` (${above > 0 ? "+" : ""}${show(above, 2)})` : "";
    const reward = Number.isFinite(mean) ? `${show(mean, 2)}${sign}` : "unscored";
    const pale = !branch.members.some((member) => this.passing.has(this.group.rollouts[member]));
    const length = branch.to - branch.from;
    const label = `${count} rollout${count === 1 ? "" : "s"}, mean reward ${reward}, ${length} token${length === 1 ? "" : "s"} from ${branch.from + 1}: ${text}`;
    return make("div", { class: pale ? "wb-branch wb-pale" : "wb-branch", role: "treeitem", tabindex: branch === this.current ? 0 : -1, style: `--level:${level - 1}`,
      "aria-level": level, "aria-expanded": branch.children.length ? String(open) : null, "aria-selected": String(branch === this.chosen),
      "aria-setsize": parent?.children.length ?? 1, "aria-posinset": parent ? parent.children.indexOf(branch) + 1 : 1, "aria-label": label, title: label },
    make("span", { class: "wb-branch-count" }, `${count}×`),
    make("span", { class: `wb-branch-mean ${paint}` }, reward),
    make("span", { class: "wb-twist" }, branch.children.length ? (open ? "▾" : "▸") : ""),
    make("span", { class: "wb-branch-text", dir: "ltr" }, make("bdi", {}, text)),
    make("span", { class: "wb-branch-length" }, length ? `${length} tok` : ""));
  }

  /** The beginning of the text that its rollouts share. @param {Branch} branch */
  textOf({ from, to, members, folded }) {
    if (folded && from === to) return `${folded} more continuations`;
    if (from === to) return members.length < this.group.rollouts.length ? "end of the rollout" : "no common prefix";
    const ids = idsOf(this.group, this.group.rollouts[members[0]]);
    const shown = readingOf(this.group.vocabulary, ids.subarray(from, Math.min(to, from + MOST_TOKENS))).join("");
    return visible(shown).replaceAll("\n", "⏎") + (to - from > MOST_TOKENS ? " …" : "") + (folded ? ` (${folded} continuations)` : "");
  }

  /** @param {Branch | undefined} branch */
  focus(branch) {
    const place = this.drawn.findIndex((line) => line.branch === branch);
    if (!branch || place < 0) return;
    this.current = branch;
    const items = /** @type {HTMLElement[]} */ ([...this.list.children]);
    items.forEach((item, each) => { item.tabIndex = each === place ? 0 : -1; });
    items[place].focus();
  }

  /** @param {Branch} branch @param {boolean} open */
  turn(branch, open) {
    if (open) this.open.add(branch);
    else this.open.delete(branch);
    this.draw();
  }

  /** Shows only a branch's rollouts, or all again. @param {Branch} branch */
  choose(branch) {
    this.chosen = this.chosen === branch || branch === this.root ? null : branch;
    this.draw();
    this.host.changed();
  }

  /** To the token at which the branch begins. @param {Branch} branch */
  read(branch) {
    this.host.visit(branch.members.map((member) => this.group.rollouts[member]), branch.from);
  }

  /** Branches that hold none of these are greyed. @param {Set<Rollout>} passing */
  fade(passing) {
    this.passing = passing;
    this.draw();
  }

  release() {
    this.chosen = null;
    this.fade(new Set(this.group.rollouts));
  }

  /** @param {MouseEvent} event */
  clicked(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    const item = target.closest(".wb-branch");
    const line = this.drawn[[...this.list.children].findIndex((each) => each === item)];
    if (!line) return;
    this.focus(line.branch);
    if (target.matches(".wb-twist") && line.branch.children.length) this.turn(line.branch, !this.open.has(line.branch));
    else this.choose(line.branch);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const place = this.drawn.findIndex((line) => line.branch === this.current);
    const { branch, parent } = this.drawn[place];
    const open = this.open.has(branch) && branch.children.length > 0;
    /** @type {Record<string, () => void>} */
    const acts = {
      ArrowDown: () => this.focus(this.drawn[place + 1]?.branch), ArrowUp: () => this.focus(this.drawn[place - 1]?.branch),
      ArrowRight: () => (open ? this.focus(branch.children[0]) : this.turn(branch, true)),
      ArrowLeft: () => (open ? this.turn(branch, false) : this.focus(parent ?? undefined)),
      Home: () => this.focus(this.root), End: () => this.focus(this.drawn[this.drawn.length - 1].branch),
      " ": () => this.choose(branch), Enter: () => this.read(branch),
    };
    if (!acts[event.key] || isShortcut(event)) return;
    event.preventDefault();
    event.stopPropagation(); // or the tokens would move
    acts[event.key]();
  }
}

/** Whether no two rollouts begin alike: then the tree is a list, and stays closed. @param {Branch} root */
export function isTrivial({ to, children }) {
  return to === 0 && children.length > 1 && children.every(({ members }) => members.length === 1);
}
