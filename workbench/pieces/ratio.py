"""Importance ratios that two or more papers share."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from workbench.kinds import Ratio
from workbench.ops import masked_mean, masked_sum, spread
from workbench.types import Batch, PerToken

Bound = Annotated[float, Field(gt=0, le=80, description="bound on the absolute log-ratio, against overflow")]


@dataclass(frozen=True)
class TokenRatio(Ratio):
    """Each token's own ratio: exp(logprob - old_logprob). PPO, arXiv:1707.06347, section 3."""

    bound: Bound = 20.0  # verl

    def __call__(self, batch: Batch) -> PerToken:
        return (batch.logprob - batch.old_logprob).clamp(-self.bound, self.bound).exp()


@dataclass(frozen=True)
class SequenceRatio(Ratio):
    """One ratio a rollout, given to each of its tokens. GSPO, arXiv:2507.18071, sections 4.1 and 4.3.

    ratio = exp(mean over tokens of logprob - old_logprob), or of the sum with `normalise` off (RLOO as TRL has it).
    With `own_gradient` the value is the same and each token's gradient flows through its own log-prob alone
    (GSPO-token), which matters where advantages differ within a rollout.
    """

    normalise: Annotated[bool, Field(description="mean over the tokens instead of their sum")] = True
    own_gradient: Annotated[bool, Field(description="gradient through each token's own log-prob")] = False
    bound: Bound = 20.0

    def __call__(self, batch: Batch) -> PerToken:
        difference = batch.logprob - batch.old_logprob
        total = (masked_mean if self.normalise else masked_sum)(difference, batch.mask)
        ratio = spread(total.clamp(-self.bound, self.bound).exp(), batch.mask)
        if self.own_gradient:
            return ratio.detach() * (batch.logprob - batch.logprob.detach()).exp()
        return ratio
