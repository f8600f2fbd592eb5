"""RL-PLUS: a reference solution joins each group, weighed by a ratio to a mixture of policies, unlikely tokens most."""

from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field

from workbench.kinds import Ratio
from workbench.method import derive
from workbench.methods.luffy import METHODS as LUFFY
from workbench.pieces.off_policy import Unclipped, foreign
from workbench.types import Batch, PerToken


@dataclass(frozen=True)
class MixtureRatio(Ratio):
    """The token's own ratio, and for off-policy tokens one to a mixture. RL-PLUS, arXiv:2508.00222, section 3.

    foreign: 2 p / (old + behaviour), behaviour = old / 2 + guess / 2, p = exp(logprob), old = exp(old_logprob);
    between 0 and 4 where the guess of the behaviour policy is 1, as in their code.
    """

    guess: Annotated[float, Field(gt=0, le=1, description="probability the unknown writer is taken to give")] = 1.0
    bound: Annotated[float, Field(gt=0, le=80, description="bound on the absolute log-ratio")] = 20.0  # verl

    def __call__(self, batch: Batch) -> PerToken:
        own = (batch.logprob - batch.old_logprob).clamp(-self.bound, self.bound).exp()
        mixture = (1.5 * batch.old_logprob.exp() + 0.5 * self.guess) / 2
        return torch.where(foreign(batch), batch.logprob.exp() / mixture, own)


METHODS = {
    "rl_plus": derive(
        LUFFY["luffy"],
        title="RL-PLUS",
        paper="arXiv:2508.00222",
        equation=r"-\frac1{T_{max}}\sum_{i,t}A_i\cdot\begin{cases}r_{i,t}&i\text{ sampled}\\"
        r"\frac{2\pi}{\frac32\pi_{old}+\frac12}\,(1-\mathrm{sg}[\pi])^{0.5}&i\text{ given}\end{cases}",
        changes="a reference solution joins each group; its tokens have a ratio to a mixture of policies and count more"
        " the less likely they were",
        ratio=MixtureRatio(),
        surrogate=Unclipped(focal=0.5),  # the authors' train_RL-PLUS.sh and the paper
    )
}
