"""Temporal scheduling: early in a run only a part of each completion is trained, and the part grows to the whole."""

from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field

from workbench.kinds import Advantage, Reduction, Schedule
from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.ops import spread
from workbench.pieces.advantage import GroupZ
from workbench.pieces.schedule import Fading
from workbench.pieces.surrogate import Clip
from workbench.types import Batch, Mask, PerToken

Kept = Annotated[Schedule, Field(description="share of each completion that is left out")]
LEFT_OUT = Fading(value=0.99, begin=0.0, end=0.8)  # the authors' script


def mean_over(kept: Mask, like: PerToken) -> PerToken:
    """Weights of the mean over the tokens kept."""
    return kept.to(like.dtype) / kept.sum().clamp(min=1)


@dataclass(frozen=True)
class Ending(Reduction):
    """The mean over the last part of every completion. arXiv:2605.25381, section 3 ("trajectory percentile").

    The first min(floor(left out · length), length - 1) tokens weigh nothing. The reward saw the whole completion.
    """

    left_out: Kept = LEFT_OUT

    def __call__(self, batch: Batch, advantage: PerToken) -> PerToken:
        share = self.left_out(batch.step, batch.total_steps)
        first = torch.minimum((share * batch.lengths + 1e-6).floor(), batch.lengths - 1)
        return mean_over(batch.mask & (batch.mask.cumsum(1) > first[:, None]), advantage)


@dataclass(frozen=True)
class Forking(Reduction):
    """The mean over the tokens of highest entropy under the sampling policy. arXiv:2605.25381, section 3.

    Of every completion ceil((1 - left out) · length) tokens of highest entropy are kept.
    """

    left_out: Kept = LEFT_OUT

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"old_entropy"})

    def __call__(self, batch: Batch, advantage: PerToken) -> PerToken:
        share = 1 - self.left_out(batch.step, batch.total_steps)
        count = (share * batch.lengths - 1e-6).ceil()
        order = batch["old_entropy"].masked_fill(~batch.mask, -torch.inf).argsort(dim=1, descending=True, stable=True)
        return mean_over(batch.mask & (order.argsort(1) < count[:, None]), advantage)


@dataclass(frozen=True)
class EntropyBoost(Advantage):
    """GRPO's advantage with a bonus for high-entropy tokens that fades. arXiv:2605.25381, section 3.

    advantage = A + share · min(scale · entropy, |A| / cap); a zero-variance group stays at 0.
    Defaults: the authors' script.
    """

    scale: Annotated[float, Field(ge=0, description="bonus per nat of entropy (alpha)")] = 0.4
    cap: Annotated[float, Field(gt=0, description="the bonus is at most the advantage over this (kappa)")] = 2.0
    share: Annotated[Schedule, Field(description="how much of the bonus is given")] = LEFT_OUT
    eps: Annotated[float, Field(gt=0, description="added to the standard deviation")] = 1e-6  # GRPO's

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"old_entropy"})

    def __call__(self, batch: Batch) -> PerToken:
        standard = GroupZ(eps=self.eps)(batch)
        bonus = torch.minimum(self.scale * batch["old_entropy"], standard.abs() / self.cap)
        given = torch.full_like(batch.lengths, self.share(batch.step, batch.total_steps))
        return standard + spread(given, batch.mask) * bonus


ENDING = derive(
    GRPO,
    title="Temporal scheduling by position",
    paper="arXiv:2605.25381",
    equation=r"m_{i,t}=\mathbb 1\big[t>\lfloor\rho_s|o_i|\rfloor\big],\quad\rho_s=0.99\,(1-s/0.8S)_+",
    changes="at first only the end of each completion is trained; the trained part grows to the whole by four fifths"
    " of the run",
    surrogate=Clip(low=0.2, high=0.28, dual=3.0),  # the script, and their code's default bound for A < 0
    reduction=Ending(),
    regularisers=(),
)

METHODS = {
    "temporal_schedule": ENDING,
    "temporal_forking": derive(
        ENDING,
        title="Temporal scheduling by entropy",
        paper="arXiv:2605.25381, forking tokens",
        equation=r"m_{i,t}=\mathbb 1\big[H_{i,t}\text{ among the }\lceil(1-\rho_s)|o_i|\rceil\text{ highest}\big]",
        changes="at first only the highest-entropy tokens of each completion are trained, later more of them",
        reduction=Forking(),
    ),
    "temporal_entropy": derive(
        ENDING,
        title="Temporal scheduling of an entropy bonus",
        paper="arXiv:2605.25381, entropy advantage",
        equation=r"A_{i,t}=A_i+\rho_s\min\big(\alpha H_{i,t},\ |A_i|/\kappa\big)",
        changes="high-entropy tokens get a larger advantage, a bonus that fades over the run",
        advantage=EntropyBoost(),
        reduction=GRPO.reduction,
    ),
}
