"""DGPO: every group whose rewards vary makes an update of the same size, and harder problems weigh more.

The second half of MathForge, reformulated questions, is `mqr`.
"""

from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field

from workbench.kinds import Advantage
from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.ops import group_centre, group_count, group_mean, group_sum, spread
from workbench.pieces.reduction import ActiveTokenMean
from workbench.types import Batch, PerRollout, PerToken, Scalar


@dataclass(frozen=True)
class Balanced(Advantage):
    """Reward over its mean absolute deviation, weighed by difficulty. arXiv:2601.20614, section 3.

    A = n · (reward - mean(group)) / (sum(|reward - mean|) + eps), so that the |A| of a mixed group add up to n
    advantage = weight · A, weight = groups · softmax over the mixed groups of (-mean(correct) / temperature)
    """

    temperature: Annotated[float, Field(gt=0, description="of the softmax over difficulty")] = 2.0  # README
    eps: Annotated[float, Field(gt=0, description="added to the sum of deviations")] = 1e-4  # their trainer

    @property
    def over_batch(self) -> bool:
        return True

    def __call__(self, batch: Batch) -> PerToken:
        centred = group_centre(batch.reward, batch.group)
        total = group_sum(centred.abs(), batch.group)
        mixed = (total > 0) & batch.scored
        count = group_count(batch.reward, batch.group)
        hardness = (-group_mean(batch.correct, batch.group) / self.temperature).exp()
        weight = hardness / weighted_mean(hardness, torch.where(mixed, 1 / count.clamp(min=1), 0.0))
        return spread(weight * count * centred / (total + self.eps), batch.mask)


def weighted_mean(values: PerRollout, weights: PerRollout) -> Scalar:
    """The mean over groups of a number that a group's rollouts share; 1 if all weights are 0."""
    total = weights.sum()
    return (values * weights).sum() / total if bool(total > 0) else torch.ones_like(total)


METHODS = {
    "dgpo": derive(
        GRPO,
        title="DGPO",
        paper="arXiv:2601.20614",
        equation=r"A_i=\lambda_q\frac{R_i-\bar R}{\frac1G\sum_j|R_j-\bar R|},\quad"
        r"\lambda_q=B_v\,\mathrm{softmax}_q(-\bar R_q/T)",
        changes="groups whose rewards vary count the same whatever their accuracy, harder problems a little more, and"
        " zero-variance groups leave the mean over tokens",
        advantage=Balanced(),
        reduction=ActiveTokenMean(groups=True),
        regularisers=(),
    )
}
