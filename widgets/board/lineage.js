/** Roles of the groups of a step, and descent: which rollout a group was made from, and what was made of a rollout. */

import { groupFacts } from "./facts.js";
import { make } from "../page/dom.js";
import { visible } from "../page/tokens.js";

/**
 * @typedef {import("../wire/payload.js").BoardEntry} BoardEntry
 * @typedef {import("../wire/payload.js").Rollout} Rollout
 * The rollouts that were made from one: their group, and how many of it they are.
 * @typedef {{ entry: BoardEntry, outcomes: BoardEntry["rollouts"] }} Child
 */

const SOLVE = "solve"; // what rollouts without a role do
const MOST_CHILDREN = 6; // groups that a rollout names

/** @param {{ role?: string }} entry */
export function roleOf({ role }) { return role || SOLVE; }

/** Role, source and tag of a group as marks; null where it has none. @param {BoardEntry} entry */
export function labelsOf({ role, source, tag }) {
  /** @type {[string | undefined, string][]} */
  const known = [[role, "role: what the rollouts do"], [source, "source of the problem"], [tag, "tag: how the rollouts came about"]];
  const marks = known.filter(([text]) => text).map(([text, title]) => make("span", { class: "wb-badge", title }, make("bdi", {}, visible(text ?? ""))));
  return marks.length ? make("span", { class: "wb-labels" }, marks) : null;
}

/** Every role of a step with its number of groups, in the order in which they were sampled. @param {BoardEntry[]} groups @returns {Map<string, number>} */
export function rolesOf(groups) {
  const found = new Map();
  for (const entry of [...groups].sort((one, other) => one.group - other.group)) found.set(roleOf(entry), (found.get(roleOf(entry)) ?? 0) + 1);
  return found;
}

/** Who descends from whom in a step. */
export class Lineage {
  /** @param {BoardEntry[]} groups */
  constructor(groups) {
    /** @type {Map<number, BoardEntry>} the group of every rollout */
    this.home = new Map(groups.flatMap((entry) => entry.rollouts.map(([rollout]) => /** @type {[number, BoardEntry]} */ ([rollout, entry]))));
    /** @type {Map<number, Child[]>} by the rollout they were made from */
    this.children = new Map();
    for (const entry of groups) {
      for (const outcome of entry.rollouts) {
        const parent = outcome[4];
        if (parent === undefined || parent === null) continue;
        const known = this.children.get(parent) ?? [];
        const child = known.find((each) => each.entry === entry);
        if (child) child.outcomes.push(outcome);
        else known.push({ entry, outcomes: [outcome] });
        this.children.set(parent, known);
      }
    }
  }

  /** The rollout that the whole group of one was made from; null where there is none, or several. @param {number} rollout */
  shared(rollout) {
    const parents = new Set(this.home.get(rollout)?.rollouts.map((outcome) => outcome[4] ?? null));
    const [parent] = parents;
    return parents.size === 1 ? parent ?? null : null;
  }

  /** Where a rollout comes from, unless its group says so, and what was made of it, as buttons; null where there is neither.
   * @param {Rollout} rollout @param {(group: number, rollout: number) => void} visit */
  line(rollout, visit) {
    const children = this.children.get(rollout.rollout) ?? [];
    const shared = this.shared(rollout.rollout) !== null;
    const parts = [shared || rollout.parent === null || rollout.parent === undefined ? null : this.parent(rollout.parent, visit),
      ...children.slice(0, MOST_CHILDREN).map((child) => childButton(child, visit)),
      children.length > MOST_CHILDREN ? make("span", { class: "wb-muted" }, `and ${children.length - MOST_CHILDREN} more groups`) : null].filter(Boolean);
    return parts.length ? make("div", { class: "wb-lineage" }, parts) : null;
  }

  /** The rollout that one was made from, or the first that was made from it; null where there is none. @param {Rollout} rollout @param {boolean} up */
  next(rollout, up) {
    if (!up) {
      const [first] = this.children.get(rollout.rollout) ?? [];
      return first ? { group: first.entry.group, rollout: first.outcomes[0][0] } : null;
    }
    const entry = this.home.get(rollout.parent ?? -1);
    return entry ? { group: entry.group, rollout: Number(rollout.parent) } : null;
  }

  /** @param {number} parent @param {(group: number, rollout: number) => void} visit */
  parent(parent, visit) {
    const entry = this.home.get(parent);
    if (!entry) return make("span", { class: "wb-muted" }, `made from rollout #${parent}, which is not shown here`);
    return make("button", { type: "button", class: "wb-kin", title: "what this was made from  <", click: () => visit(entry.group, parent) },
      `← ${visible(roleOf(entry))} #${parent}`);
  }
}

/** @param {Child} child @param {(group: number, rollout: number) => void} visit */
function childButton({ entry, outcomes }, visit) {
  const { text } = groupFacts({ rollouts: outcomes });
  return make("button", { type: "button", tabindex: -1, class: "wb-kin", title: "rollouts that were made from this one  >", click: () => visit(entry.group, outcomes[0][0]) },
    `→ ${visible(roleOf(entry))}: ${text || `${outcomes.length} rollouts`}`);
}

/** Buttons that show the groups of one role; null where there is a single role. @param {BoardEntry[]} groups @param {string | null} chosen @param {(role: string | null) => void} choose */
export function roleFilter(groups, chosen, choose) {
  const roles = rolesOf(groups);
  if (roles.size < 2) return null;
  const button = (/** @type {string | null} */ role, /** @type {string} */ text) => make("button", { type: "button", tabindex: role === chosen ? 0 : -1,
    "aria-pressed": String(role === chosen), click: () => choose(role) }, text);
  return make("div", { class: "wb-roles", role: "group", "aria-label": "groups of one role" },
    button(null, `all ${groups.length}`), [...roles].map(([role, count]) => button(role, `${visible(role)} ${count}`)));
}
