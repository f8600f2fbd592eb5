"""Importance weights: survivors also represent the rollouts that were stopped beside them."""

from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field

from workbench.kinds import Head, Reduction
from workbench.ops import group_mean, spread
from workbench.types import Batch, Constants, PerRollout, PerToken, State


@dataclass(frozen=True)
class Survivors(Reduction):
    """Another reduction, with each rollout's tokens weighted by keep / p. Horvitz and Thompson, 1952.

    p is `survival`, the probability with which a pruner kept the rollout; one that ended before it was judged has 1.
    The expectation of the loss is then that of whole groups, with the survivors' statistics in the advantage; what
    pruning did to the balance of a group is undone. Without `keep` it is each group's own, so that the weights of its
    survivors average 1. Groups in which every p is 1 are unchanged. ARRoL (arXiv:2603.24840) has none.
    """

    inner: Annotated[Reduction, Field(description="the reduction without weights")]
    keep: Annotated[float | None, Field(gt=0, le=1, description="share kept; none: the share of each group")] = None

    @property
    def needs(self) -> frozenset[str]:
        return self.inner.needs

    @property
    def over_batch(self) -> bool:
        return self.inner.over_batch

    @property
    def heads(self) -> tuple[Head, ...]:
        return self.inner.heads

    def init(self) -> State:
        return self.inner.init()

    def learn(self, state: State, batch: Batch) -> State:
        return self.inner.learn(state, batch)

    def settle(self, batch: Batch, advantage: PerToken) -> Constants:
        return self.inner.settle(batch, advantage)

    def __call__(self, batch: Batch, advantage: PerToken) -> PerToken:
        return self.inner(batch, advantage) * spread(self.weights(batch), batch.mask)

    def weights(self, batch: Batch) -> PerRollout:
        """keep / p of every rollout; 1 where no pruner was used."""
        if "survival" not in batch:
            return torch.ones_like(batch.reward)
        inverse = 1 / batch["survival"].to(batch.reward.dtype)
        own = group_mean(torch.where(batch.scored, inverse, torch.nan), batch.group)
        pruned = group_mean((inverse > 1).to(inverse.dtype), batch.group) > 0
        weight = inverse / own if self.keep is None else inverse * self.keep
        return torch.where(pruned, weight, 1.0)
