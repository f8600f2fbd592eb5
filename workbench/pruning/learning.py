"""The labels that a step gives a pruner, and the metrics of its decisions."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from workbench import random_numbers
from workbench.pruning.replay_buffer import STORED, ReplayBuffer
from workbench.types import Group, Rollout, State

HOLD_OUT = 104  # branch of the random numbers
APART = 1 << 32  # between the group numbers of two steps

Seen = Mapping[str, Any]  # a scored rollout: hidden, kept, survival, u, and score and posterior once there is a head


def judged(pending: Mapping[str, Seen], groups: Sequence[Group]) -> Iterator[tuple[Group, Rollout, Seen]]:
    """The rollouts that the head scored, each with its group and what was noted then."""
    for group in groups:
        for rollout in group.rollouts:
            seen = pending.get(f"{rollout.request.number}/{rollout.index}")
            if seen is not None:
                yield group, rollout, seen


def note_survival(pending: Mapping[str, Seen], groups: Sequence[Group]) -> None:
    """Sets the extra `survival` of every rollout: the probability with which it survived, 1 if it was not scored."""
    for group in groups:
        for rollout in group.rollouts:
            rollout.extras["survival"] = 1.0
    for _, rollout, seen in judged(pending, groups):
        rollout.extras["survival"] = seen["survival"]


def labelled(state: State, groups: Sequence[Group], share: float) -> ReplayBuffer | None:
    """The scored rollouts of a step that finished and were graded, or None; a `share` of the groups is held out."""
    found = [entry for entry in judged(state["pending"], groups) if not math.isnan(entry[1].correct)]
    found = [entry for entry in found if entry[1].finish != "pruned"]
    if not found:
        return None
    seed, step = state["seed"], state["step"]
    numbers = np.array([group.number for group, _, _ in found], dtype=np.int64)
    drawn = random_numbers.uniforms(random_numbers.keys(seed, step, numbers, 0 * numbers, HOLD_OUT), 0 * numbers)
    return ReplayBuffer(
        hidden=torch.stack([seen["hidden"] for _, _, seen in found]).to(STORED),
        correct=torch.tensor([rollout.correct > 0.5 for _, rollout, _ in found]),
        group=torch.from_numpy(step * APART + numbers),
        survival=torch.tensor([seen["survival"] for _, _, seen in found]),
        held_out=torch.from_numpy(drawn < share),
    )


def mean_metrics(pending: Mapping[str, Seen], groups: Sequence[Group]) -> dict[str, float | None]:
    """Metrics of a step's decisions: rollouts scored, share kept, share correct before and after pruning.

    The share before is estimated from the survivors, each with weight 1 / p. Ungraded rollouts count in neither.
    """
    found = list(judged(pending, groups))
    if not found:
        return {"scored": 0.0}
    verdicts = [(rollout.correct, 1 / seen["survival"]) for _, rollout, seen in found if rollout.finish != "pruned"]
    known = [(correct, weight) for correct, weight in verdicts if not math.isnan(correct)]
    total = sum(weight for _, weight in known)
    return {
        "scored": float(len(found)),
        "kept": sum(bool(seen["kept"]) for _, _, seen in found) / len(found),
        "correct_before": sum(correct * weight for correct, weight in known) / total if known else None,
        "correct_after": sum(correct for correct, _ in known) / len(known) if known else None,
    }
