"""Importance ratios that two or more papers share."""

from dataclasses import dataclass

from workbench.kinds import Ratio
from workbench.types import Batch, PerToken


@dataclass(frozen=True)
class TokenRatio(Ratio):
    """Each token's own ratio: exp(logprob - old_logprob). PPO, arXiv:1707.06347, section 3."""

    def __call__(self, batch: Batch) -> PerToken:
        return (batch.logprob - batch.old_logprob).exp()
