"""SPARK's advantages: tokens of steps that agree with the outcome alone, or outcome and steps mixed."""

from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field

from workbench.kinds import Advantage
from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.ops import group_centre, group_std, spread
from workbench.types import Batch, Index, PerRollout, PerToken


@dataclass(frozen=True)
class SelectiveSteps(Advantage):
    """A where A >= 0 and the token's step is correct, or A < 0 and it is incorrect; else 0. arXiv:2512.03244, 3.3.

    A: the reward standardised within the group. Reads `step_correct`, which the reward `spark` writes; without it no
    step counts as correct.
    """

    eps: Annotated[float, Field(ge=0, description="added to the deviation")] = 1e-6

    def __call__(self, batch: Batch) -> PerToken:
        value = spread(standardised(batch.reward, batch.group, self.eps), batch.mask)
        step = batch["step_correct"] if "step_correct" in batch else torch.zeros_like(value)
        return torch.where((value >= 0) == (step > 0.5), value, 0.0)


@dataclass(frozen=True)
class MixedSteps(Advantage):
    """(1 - share) · A(reward) + share · A(share of correct steps), both standardised within the group. As above."""

    share: Annotated[float, Field(ge=0, le=1, description="weight of the steps' advantage")] = 0.2
    eps: Annotated[float, Field(ge=0, description="added to the deviation")] = 1e-6

    def __call__(self, batch: Batch) -> PerToken:
        steps = batch["step_share"] if "step_share" in batch else torch.zeros_like(batch.reward)
        both = [standardised(value, batch.group, self.eps) for value in (batch.reward, steps)]
        return spread((1 - self.share) * both[0] + self.share * both[1], batch.mask)


def standardised(values: PerRollout, group: Index, eps: float) -> PerRollout:
    """Values less their group's mean, over its deviation."""
    return group_centre(values, group) / (group_std(values, group) + eps)


METHODS = {
    "spark": derive(
        GRPO,
        title="SPARK, selective advantage",
        paper="arXiv:2512.03244",
        equation=r"A_{i,t}=A_i\,\mathbb 1[(A_i\ge0\wedge c_{ij}=1)\vee(A_i<0\wedge c_{ij}=0)]",
        changes="a token's advantage counts where the grade of its step, by the reward spark, agrees with its sign",
        advantage=SelectiveSteps(),
    ),
    "spark_mixed": derive(
        GRPO,
        title="SPARK, global mix",
        paper="arXiv:2512.03244, the mixed form",
        equation=r"A_i=0.8\,A^{proc}_i+0.2\,A^{step}_i",
        changes="the advantage is that of the final grade and, with a fifth of the weight, that of the share of correct"
        " steps",
        advantage=MixedSteps(),
    ),
}
