"""Imperfect verifiers: the reward, or the gradient weight, corrected for known error rates."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from workbench.kinds import Advantage, Shaping
from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.ops import spread
from workbench.pieces.advantage import GroupCentre
from workbench.types import Batch, Group, PerToken

Missed = Annotated[
    float, Field(ge=0, lt=1, description="share of correct completions that the verifier rejects (false negatives)")
]
LEAST = 0.05  # below this the two error rates leave too little to divide by


@dataclass(frozen=True)
class ForwardCorrection(Advantage):
    """Weights whose expected gradient points the right way, from one error rate. arXiv:2510.00915, section 3.

    advantage = missed where accepted, missed - 1 where rejected; no baseline. Over the verifier's errors it averages 0
    for correct completions and missed + accepted - 1 for incorrect ones.
    """

    missed: Missed = 0.1  # an input: no default is published

    def __call__(self, batch: Batch) -> PerToken:
        right, wrong = ((batch.correct == value).to(batch.reward.dtype) for value in (1, 0))
        return spread(self.missed * right + (self.missed - 1) * wrong, batch.mask)


@dataclass(frozen=True)
class BackwardCorrection(Shaping):
    """A reward that is unbiased over the verifier's errors. arXiv:2510.00915, section 3.

    reward = (reward - accepted) / (1 - accepted - missed), of a reward that is 0 or 1. Any standardisation within
    the group cancels it: centre instead. The rates are inputs: no default is published.
    """

    missed: Missed = 0.1
    accepted: Annotated[
        float, Field(ge=0, lt=1, description="share of incorrect completions that it accepts (false positives)")
    ] = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if 1 - self.accepted - self.missed < LEAST:
            raise ValueError(
                f"backward_correction: accepted = {self.accepted} and missed = {self.missed} leave less than {LEAST}"
                " of the signal: lower them"
            )

    def __call__(self, group: Group, rewards: Sequence[float], budget: int) -> list[float]:
        del group, budget
        return [(reward - self.accepted) / (1 - self.accepted - self.missed) for reward in rewards]


METHODS = {
    "noise_forward": derive(
        GRPO,
        title="Noise correction, forward",
        paper="arXiv:2510.00915, forward correction",
        equation=r"A_i=\rho_1\text{ if }\tilde R_i=1,\quad\rho_1-1\text{ if }\tilde R_i=0",
        changes="gradients are weighed so that the verifier's false negatives do not reverse their expected direction",
        advantage=ForwardCorrection(),
        regularisers=(),
        group_size=1,
    ),
    "noise_backward": derive(
        GRPO,
        title="Noise correction, backward",
        paper="arXiv:2510.00915, backward correction",
        equation=r"A_i=\hat R_i-\overline{\hat R},\quad\hat R_i=\frac{\tilde R_i-\rho_0}{1-\rho_0-\rho_1}",
        changes="the reward is corrected for the verifier's error rates, then centred, not standardised",
        advantage=GroupCentre(),
        regularisers=(),
        shaping=(BackwardCorrection(),),
    ),
}
