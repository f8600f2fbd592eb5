"""Reductions that two or more papers share: how much each token weighs in the loss.

A rollout counts if it has a trained token: an unscored one is treated as absent.
"""

from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field

from workbench.kinds import Reduction
from workbench.ops import group_sum, spread
from workbench.types import Batch, PerToken, Scalar


def rollouts(batch: Batch) -> Scalar:
    """How many rollouts have a trained token; 1 if none has."""
    return batch.mask.any(1).sum().clamp(min=1).to(batch.logprob.dtype)


@dataclass(frozen=True)
class TokenMean(Reduction):
    """Every token of the update weighs the same: 1 / tokens. DAPO, arXiv:2503.14476, section 3.3."""

    def __call__(self, batch: Batch, advantage: PerToken) -> PerToken:
        return torch.ones_like(advantage) / batch.mask.sum().clamp(min=1)


@dataclass(frozen=True)
class SequenceMean(Reduction):
    """Every rollout weighs the same: 1 / (rollouts · length). GRPO, arXiv:2402.03300, section 4.1."""

    def __call__(self, batch: Batch, advantage: PerToken) -> PerToken:
        return spread(1 / (rollouts(batch) * batch.lengths.clamp(min=1)), batch.mask)


@dataclass(frozen=True)
class SequenceSum(Reduction):
    """Tokens are added, rollouts averaged: 1 / rollouts. LUSPO, arXiv:2602.05261; verl's seq-mean-token-sum."""

    def __call__(self, batch: Batch, advantage: PerToken) -> PerToken:
        return torch.ones_like(advantage) / rollouts(batch)


@dataclass(frozen=True)
class FixedLength(Reduction):
    """Tokens are added and divided by a constant: 1 / (rollouts · length). Dr. GRPO, arXiv:2503.20783, section 3.2.

    `length` None means the budget, the most tokens a rollout may have. With `per_rollout` off the number of
    rollouts does not divide (LUFFY, RL-PLUS).
    """

    length: Annotated[int | None, Field(ge=1, description="the constant; none: the token budget")] = None
    per_rollout: Annotated[bool, Field(description="divide by the number of rollouts as well")] = True

    def __call__(self, batch: Batch, advantage: PerToken) -> PerToken:
        count = rollouts(batch) if self.per_rollout else 1.0
        return torch.ones_like(advantage) / (count * (self.length or batch.budget))


@dataclass(frozen=True)
class ActiveTokenMean(Reduction):
    """The mean over the tokens with a gradient; the others leave numerator and denominator.

    That is the rollouts with an advantage other than 0 (PSR and NSR, arXiv:2506.01347), or with `groups` all
    rollouts of a group in which one has (DGPO, arXiv:2601.20614, section 3.3).
    """

    groups: Annotated[bool, Field(description="whole groups instead of single rollouts")] = False

    @property
    def over_batch(self) -> bool:
        return True

    def __call__(self, batch: Batch, advantage: PerToken) -> PerToken:
        active = ((advantage != 0) & batch.mask).any(1).to(advantage.dtype)
        if self.groups:
            active = (group_sum(active, batch.group) > 0).to(advantage.dtype)
        weight = spread(active, batch.mask)
        return weight / weight.sum().clamp(min=1)
