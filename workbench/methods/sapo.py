"""SAPO: a smooth gate in place of the clip, so that a token's gradient fades with its ratio instead of ending."""

from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field

from workbench.kinds import Surrogate
from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.pieces.reduction import SequenceMean
from workbench.types import Batch, PerToken

Temperature = Annotated[float, Field(gt=0, description="steepness of the gate; higher: the gradient fades sooner")]


@dataclass(frozen=True)
class SoftGate(Surrogate):
    """A sigmoid of the ratio instead of the clip. SAPO, arXiv:2511.20347, section 3.

    loss = -4 / tau · sigmoid(tau · (ratio - 1)) · advantage; tau = `positive` where the advantage is above 0, else
    `negative`. The gradient flows through the ratio: by the log-prob it is -ratio · advantage, as without a clip,
    times 1 / cosh²(tau / 2 · (ratio - 1)), which is 1 at a ratio of 1.
    """

    positive: Temperature = 1.0  # TRL, verl: the paper's
    negative: Temperature = 1.05

    def __call__(self, batch: Batch, ratio: PerToken, advantage: PerToken) -> PerToken:
        above = (advantage > 0).to(ratio.dtype)
        temperature = self.positive * above + self.negative * (1 - above)
        return -4 / temperature * torch.sigmoid(temperature * (ratio - 1)) * advantage


METHODS = {
    "sapo": derive(
        GRPO,
        title="SAPO",
        paper="arXiv:2511.20347",
        equation=r"-\frac1G\sum_i\frac1{|o_i|}\sum_t\frac4{\tau_i}\,\sigma\big(\tau_i(r_{i,t}-1)\big)A_i,\quad"
        r"\tau_i=\tau_{pos}\text{ if }A_i>0\text{, else }\tau_{neg}",
        changes="a smooth gate instead of the clip: a token's gradient fades as its ratio leaves 1, faster for negative"
        " advantages",
        surrogate=SoftGate(),
        reduction=SequenceMean(),
        regularisers=(),
    )
}
