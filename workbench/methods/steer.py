"""STEER: tokens whose update would change the policy's entropy most weigh less."""

import math
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from pydantic import Field

from workbench.kinds import Reduction
from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.ops import min_max
from workbench.pieces.surrogate import Clip
from workbench.types import Batch, PerToken

TINY = 1e-8


@dataclass(frozen=True)
class EntropySteady(Reduction):
    """Token weights that fall with the change of entropy a token's update would bring. arXiv:2510.10150, section 4.

    change = advantage / old_p · p (1 - p) (log p + entropy), up to the learning rate the fall of entropy by the
    token's own term; p is the current policy's probability.
    exponential: weight = max(exp(-k |change|), lowest), k = -log(lowest) / max(largest |change|, 0.02)
    linear: from `highest` at the smallest |change| to `lowest` at the largest.
    The largest is taken over the whole update; weights are divided by the number of tokens, not by their sum.
    """

    fresh = True
    form: Annotated[Literal["exponential", "linear"], Field(description="how weights fall")] = "exponential"
    lowest: Annotated[float, Field(gt=0, le=1, description="weight of the largest change")] = 0.8  # script; text: 0.7
    highest: Annotated[float, Field(ge=1, description="weight of the smallest change (linear)")] = 1.2  # their function

    @property
    def over_batch(self) -> bool:
        return True

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"old_logprob", "old_entropy"})

    def __call__(self, batch: Batch, advantage: PerToken) -> PerToken:
        size = torch.where(batch.mask, change(batch, advantage).abs(), 0.0)
        if self.form == "linear":
            weight = self.highest - (self.highest - self.lowest) * min_max(size, batch.mask)
        else:
            steepness = -math.log(self.lowest) / size.max().clamp(min=0.02)
            weight = (-steepness * size).exp().clamp(self.lowest, 1.0)
        return weight / batch.mask.sum().clamp(min=1)


def change(batch: Batch, advantage: PerToken) -> PerToken:
    """What the update of a token does to the entropy at its place, up to a factor; 0 where it is not finite."""
    now = batch.logprob.exp().clamp(TINY, 1 - TINY)
    old = batch.old_logprob.exp().clamp(TINY, 1.0)
    found = advantage / old * now * (1 - now) * (now.log() + batch["old_entropy"])
    return torch.where(found.isfinite(), found, 0.0)


METHODS = {
    "steer": derive(
        GRPO,
        title="STEER",
        paper="arXiv:2510.10150",
        equation=r"\lambda_{i,t}=e^{-k|\Omega_{i,t}|},\quad\Omega=\frac{A}{\pi_{old}}\,\pi(1-\pi)(\ln\pi+H),\quad"
        r"\mathcal L=\frac{\sum\lambda\,\mathcal L_{clip}}{\sum|o_i|}",
        changes="tokens whose update would change the policy's entropy most are down-weighted",
        surrogate=Clip(low=0.2, high=0.28, dual=10.0),  # the authors' script
        reduction=EntropySteady(),
        regularisers=(),
    )
}
