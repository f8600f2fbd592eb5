"""The groups of a step in short: a line of the board each, with outcomes, role and descent, without tokens."""

from collections.abc import Iterable, Sequence
from typing import Any

from widgets.recorded.question import question_of
from widgets.recorded.rewards import rounded_reward
from widgets.wire.payload import number

NAMES = ("rollout", "group", "problem", "source", "role", "parent", "tag", "prompt", "reward", "correct", "finish",
         "excluded")  # fmt: skip


def entries(rows: Iterable[dict[str, Any]], special: Sequence[str]) -> list[dict[str, Any]]:
    """The groups of these rows; those that the update excluded come last.

    An outcome is `[rollout, reward, correct, finish]`, with the rollout that it was made from behind it, where there
    is one. `role` is empty where the group solves its problem.
    """
    groups: dict[int, dict[str, Any]] = {}
    reasons: dict[int, list[str | None]] = {}
    for row in rows:
        if row["group"] not in groups:
            groups[row["group"]] = {**about(row), "question": question_of(row["prompt"], special), "rollouts": []}
        outcome = [row["rollout"], rounded_reward(row["reward"]), number(row["correct"]), row["finish"]]
        parent = row.get("parent")
        groups[row["group"]]["rollouts"].append(outcome if parent is None else [*outcome, parent])
        reasons.setdefault(row["group"], []).append(row.get("excluded"))
    found = [{**entry, "excluded": exclusion(reasons[group])} for group, entry in groups.items()]
    return sorted(found, key=lambda entry: entry["excluded"] is not None)


def about(row: dict[str, Any]) -> dict[str, Any]:
    """What belongs to the whole group; role, source and tag only where there are some."""
    labels = {name: row.get(name) for name in ("role", "source", "tag")}
    return {"group": row["group"], "problem": row["problem"], **{name: text for name, text in labels.items() if text}}


def exclusion(reasons: Sequence[str | None]) -> str | None:
    """Why the update used no rollout of a group; None where it used one, or where it is not recorded.

    >>> exclusion(["filtered", "pruned"]), exclusion(["pruned", None])
    ('filtered', None)
    """
    found = [reason for reason in reasons if reason is not None]
    if len(found) < len(reasons):
        return None
    return "filtered" if "filtered" in found else found[0]


def has_variance(entry: dict[str, Any]) -> bool:
    """Whether the scored rollouts of a board's group have different rewards."""
    return len({outcome[1] for outcome in entry["rollouts"] if outcome[1] is not None}) > 1


def is_informative(entry: dict[str, Any]) -> bool:
    """Whether a board's group was trained on and its rewards differ."""
    return has_variance(entry) and entry.get("excluded") is None


def first_choice(groups: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The group of a board that is shown first: the first that taught something, else one with reward variance."""
    varied = next((entry for entry in groups if has_variance(entry)), groups[0])
    return next((entry for entry in groups if is_informative(entry)), varied)
