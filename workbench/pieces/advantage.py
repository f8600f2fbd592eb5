"""Advantages that two or more papers share."""

from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field

from workbench.kinds import Advantage
from workbench.ops import group_centre, group_count, group_std, spread, whiten
from workbench.pieces.reward_kl import RewardKl, reads, reward_less_kl
from workbench.types import Batch, PerToken

Eps = Annotated[float, Field(gt=0, description="added to the standard deviation")]
Population = Annotated[bool, Field(description="deviation of the population instead of the sample (n - 1)")]


@dataclass(frozen=True)
class GroupZ(Advantage):
    """A rollout's reward, standardised within its group. GRPO, arXiv:2402.03300, section 4.1.

    advantage = (reward - mean(group)) / (std(group) + eps). A group of equal rewards gives exactly 0.
    """

    eps: Eps = 1e-6  # verl; TRL has 1e-4
    population: Population = False  # the paper's wording; both libraries take the sample's
    reward_kl: RewardKl = 0.0

    @property
    def needs(self) -> frozenset[str]:
        return reads(self.reward_kl)

    def __call__(self, batch: Batch) -> PerToken:
        reward = reward_less_kl(batch, self.reward_kl)
        deviation = group_std(reward, batch.group, correction=0 if self.population else 1)
        return spread(group_centre(reward, batch.group) / (deviation + self.eps), batch.mask)


@dataclass(frozen=True)
class GroupCentre(Advantage):
    """A rollout's reward less its group's mean, undivided. Dr. GRPO, arXiv:2503.20783, section 3.2.

    advantage = reward - mean(group)
    """

    reward_kl: RewardKl = 0.0

    @property
    def needs(self) -> frozenset[str]:
        return reads(self.reward_kl)

    def __call__(self, batch: Batch) -> PerToken:
        return spread(group_centre(reward_less_kl(batch, self.reward_kl), batch.group), batch.mask)


@dataclass(frozen=True)
class LeaveOneOut(Advantage):
    """A rollout's reward minus the mean of the group's other rollouts. RLOO, arXiv:2402.14740, section 3.2.

    advantage = reward - mean(others) = n / (n - 1) · (reward - mean(group)); 0 where no other
    rollout was scored.
    """

    reward_kl: RewardKl = 0.0  # TRL: 0.05; verl's example: 0.001

    @property
    def needs(self) -> frozenset[str]:
        return reads(self.reward_kl)

    def __call__(self, batch: Batch) -> PerToken:
        reward = reward_less_kl(batch, self.reward_kl)
        count = group_count(reward, batch.group)
        return spread(group_centre(reward, batch.group) * count / (count - 1).clamp(min=1), batch.mask)


@dataclass(frozen=True)
class Label(Advantage):
    """Correctness itself, with no baseline. PSR and NSR, arXiv:2506.01347, section 3.

    advantage = right where the completion is correct, -wrong where it is incorrect, 0 where it is unscored.
    """

    right: Annotated[float, Field(ge=0, description="advantage of a correct completion")] = 1.0
    wrong: Annotated[float, Field(ge=0, description="minus the advantage of an incorrect completion")] = 1.0

    def __call__(self, batch: Batch) -> PerToken:
        right, wrong = ((batch.correct == value).to(batch.reward.dtype) for value in (1, 0))
        return spread(self.right * right - self.wrong * wrong, batch.mask)


@dataclass(frozen=True)
class TaskRelative(Advantage):
    """The reward, whitened over the tokens of the rollouts of the same role and kind (TRR++). arXiv:2505.03335, 3.3.

    advantage = (reward - mean) / sqrt(variance + 1e-8), over the trained tokens of a cohort, so that longer
    rollouts weigh more. Equal rewards give 0.
    """

    @property
    def over_batch(self) -> bool:
        return True

    def __call__(self, batch: Batch) -> PerToken:
        returns, cohort = spread(batch.reward, batch.mask), batch["cohort"]
        found = torch.zeros_like(returns)
        for number in cohort.unique():
            found = found + whiten(returns, batch.mask & (cohort == number)[:, None])
        return found
