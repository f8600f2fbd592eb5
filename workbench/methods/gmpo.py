"""GMPO: GRPO on the geometric mean of a rollout's clipped token ratios, which no single token can dominate."""

from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field

from workbench.kinds import Surrogate
from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.ops import masked_mean, spread
from workbench.pieces.advantage import GroupZ
from workbench.pieces.reduction import SequenceMean
from workbench.types import Batch, PerToken

Width = Annotated[float, Field(ge=0, description="bound on a token's log-ratio, in nats")]


@dataclass(frozen=True)
class GeometricClip(Surrogate):
    """PPO's clip on the logarithm of every token's ratio, then their geometric mean. GMPO, arXiv:2507.20673, section 3.

    loss = -exp(mean over tokens of clipped) · advantage
    clipped = min(log ratio, high) where the advantage is above 0, max(log ratio, -low) elsewhere
    The gradient flows through the log-ratios that are not clipped. GSPO has the same mean and clips it as a whole.
    """

    low: Width = 0.4  # section 4: ratios from exp(-0.4) to exp(0.4)
    high: Width = 0.4

    def __call__(self, batch: Batch, ratio: PerToken, advantage: PerToken) -> PerToken:
        logs = ratio.log()
        clipped = torch.where(advantage > 0, logs.clamp(max=self.high), logs.clamp(min=-self.low))
        return -spread(masked_mean(clipped, batch.mask).exp(), batch.mask) * advantage


METHODS = {
    "gmpo": derive(
        GRPO,
        title="GMPO",
        paper="arXiv:2507.20673",
        equation=r"-\frac1G\sum_i A_i\exp\Big(\frac1{|o_i|}\sum_t\mathrm{sgn}(A_i)\min\big(\mathrm{sgn}(A_i)\log"
        r" r_{i,t},\ \mathrm{sgn}(A_i)\,\mathrm{clip}(\log r_{i,t},-\varepsilon,\varepsilon)\big)\Big)",
        changes="a rollout's objective is the geometric mean of its token ratios, each clipped by itself and more"
        " widely; one token with an extreme ratio cannot dominate it",
        advantage=GroupZ(eps=1e-8),  # the authors' code
        surrogate=GeometricClip(),
        reduction=SequenceMean(),
        regularisers=(),
    )
}
