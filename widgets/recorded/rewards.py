"""How the reward of a rollout adds up: weighted components, and what the method's shaping added to them."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

DIGITS = 9  # decimal places that are kept: sums of float32 leave rests such as 2e-16, which are zero


def rounded_reward(value: Any) -> float | None:
    """A reward without the rests of floating point; None where it is unscored.

    >>> rounded_reward(2.220446e-16), rounded_reward(-2.0), rounded_reward(float("nan"))
    (0.0, -2.0, None)
    """
    if value is None or not math.isfinite(value):
        return None
    return round(float(value), DIGITS) + 0.0  # no -0.0


def explain(rollouts: Sequence[dict[str, Any]], config: Mapping[str, Any]) -> None:
    """Adds to each component its `weight`, and to each rollout `shaping`: its reward minus the weighted sum.

    In a role, a component that no reward of the config gives is the controller's: `late`, with weight 1.

    `shaped_by` names the pieces that shape rewards. Where a component is unscored, or its weight is not in the config,
    the sum is unknown and `shaping` is None.
    """
    weights = {str(table.get("name") or table.get("reward")): float(table.get("weight", 1.0))
               for table in config.get("rewards") or [] if isinstance(table, Mapping)}  # fmt: skip
    pieces = [str(table.get("piece")) for table in (config.get("method") or {}).get("shaping") or []]
    for rollout in rollouts:
        parts = rollout["parts"]
        for part in parts:
            part["late"] = bool(rollout.get("role")) and part["name"] not in weights
            part["weight"] = 1.0 if part["late"] else weights.get(part["name"])
        known = parts and all(part["weight"] is not None and part["value"] is not None for part in parts)
        rollout["shaped_by"] = pieces
        rollout["shaping"] = None
        if known and rollout.get("reward") is not None:
            total = sum(part["weight"] * part["value"] for part in parts)
            rest = rollout["reward"] - total
            rollout["shaping"] = 0.0 if abs(rest) < 1e-6 * max(1.0, abs(total)) else rounded_reward(rest)
