"""ROVER: the log-ratio is the action's value, an average the next state's; trained by a squared Bellman error."""

from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field

from workbench.kinds import Surrogate
from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.ops import next_marked
from workbench.pieces.advantage import GroupCentre
from workbench.pieces.reduction import TokenMean
from workbench.types import Batch, PerToken


@dataclass(frozen=True)
class Bellman(Surrogate):
    """Squared Bellman error of the uniform policy's values. arXiv:2509.24981, section 4.

    value of the token = scale · (logprob - old_logprob)
    value of what follows = scale · mean over the vocabulary of the same at the next trained token; 0 after the last
    loss = (value of the token - stop(advantage + value of what follows))²
    The advantage is the reward less its group's mean, repeated on every token. The mean of the vocabulary's
    log-probabilities is the mean logit less the logsumexp.
    """

    scale: Annotated[float, Field(gt=0, description="of log-ratios as values (rho)")] = 1.0  # their scripts

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"mean_logit", "logsumexp", "old_mean_logit", "old_logsumexp"})

    def __call__(self, batch: Batch, ratio: PerToken, advantage: PerToken) -> PerToken:
        now = batch["mean_logit"] - batch["logsumexp"]
        old = batch["old_mean_logit"] - batch["old_logsumexp"]
        state = torch.where(batch.mask, self.scale * (now - old), 0.0)
        following = next_marked(state, batch.mask)
        value = self.scale * (batch.logprob - batch.old_logprob)
        return (value - (advantage + following).detach()).square()


METHODS = {
    "rover": derive(
        GRPO,
        title="ROVER",
        paper="arXiv:2509.24981",
        equation=r"\big(Q_{i,t}-\mathrm{sg}[R_i-\bar R+\hat V_{i,t+1}]\big)^2,\quad "
        r"Q=\rho\log\frac{\pi}{\pi_{old}},\quad\hat V_{t}=\frac{\rho}{|V|}\sum_a\log\frac{\pi(a)}{\pi_{old}(a)}",
        changes="no ratio and no clipping: the log-ratio is fitted to a value that the uniform policy would have",
        advantage=GroupCentre(),
        surrogate=Bellman(),
        reduction=TokenMean(),
        regularisers=(),
    )
}
