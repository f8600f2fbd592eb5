"""Advantages that two or more papers share."""

from dataclasses import dataclass

from workbench.kinds import Advantage
from workbench.ops import group_centre, group_std, spread
from workbench.types import Batch, PerToken


@dataclass(frozen=True)
class GroupZ(Advantage):
    """A rollout's reward, standardised within its group. GRPO, arXiv:2402.03300, section 4.1.

    advantage = (reward - mean(group)) / (std(group) + eps). A group of equal rewards gives exactly 0.
    """

    eps: float = 1e-6  # verl; TRL has 1e-4
    population: bool = False  # the paper's wording; both libraries take the sample's (n - 1)

    def __call__(self, batch: Batch) -> PerToken:
        centred = group_centre(batch.reward, batch.group)
        deviation = group_std(batch.reward, batch.group, correction=0 if self.population else 1)
        return spread(centred / (deviation + self.eps), batch.mask)
