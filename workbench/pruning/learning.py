"""What a step teaches a pruner: labels for the rollouts it judged, and what its decisions did to the groups."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from workbench import random_numbers
from workbench.pruning.replay_buffer import STORED, ReplayBuffer
from workbench.types import Group, Rollout, State

HOLD_OUT = 104  # branch of the noise
APART = 1 << 32  # between the group numbers of two steps

Seen = Mapping[str, Any]  # a judged rollout: hidden, kept, survival, u, and score and posterior once there is a head


def judged(pending: Mapping[str, Seen], groups: Sequence[Group]) -> Iterator[tuple[Group, Rollout, Seen]]:
    """The rollouts that were judged, with what was seen of them."""
    for group in groups:
        for rollout in group.rollouts:
            seen = pending.get(f"{rollout.request.number}/{rollout.index}")
            if seen is not None:
                yield group, rollout, seen


def note_survival(pending: Mapping[str, Seen], groups: Sequence[Group]) -> None:
    """Notes on every rollout the probability with which it survived, for the batch: `survival`, 1 if not judged."""
    for group in groups:
        for rollout in group.rollouts:
            rollout.extras["survival"] = 1.0
    for _, rollout, seen in judged(pending, groups):
        rollout.extras["survival"] = seen["survival"]


def labelled(state: State, groups: Sequence[Group], share: float) -> ReplayBuffer | None:
    """The judged rollouts of a step that were finished and have a verdict; a `share` of the groups is held out."""
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
    """What was judged and kept in a step, and the share of right ones it had before and after.

    Before is estimated from the survivors, each standing for 1 / p rollouts; rollouts that were not judged are left
    out of both.
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
