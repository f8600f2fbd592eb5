"""Tokens that the policy did not write itself: how a controller marks them, and the ratios they learn by.

A rollout written after another prompt, or by another model, is trained as an answer to the bare prompt. Two facts go
with it: `off_policy`, 1 for each of its tokens, and `behaviour_logprob`, the log-prob under whoever wrote it. A batch
without these facts has no such tokens.
"""

from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field

from workbench.kinds import Ratio, Surrogate
from workbench.pieces.surrogate import Clip, Dual, High, Low
from workbench.types import Batch, Constants, Mask, PerToken, Rollout


def mark(rollout: Rollout) -> None:
    """Marks every token of a rollout as written by another policy: the one the engine conditioned on."""
    rollout.extras["off_policy"] = [1.0] * len(rollout.tokens)
    rollout.extras["behaviour_logprob"] = list(rollout.engine_logprob)


def foreign(batch: Batch) -> Mask:
    """Which tokens another policy wrote."""
    if "off_policy" not in batch:
        return torch.zeros_like(batch.mask)
    return batch.mask & (batch["off_policy"] > 0.5)


@dataclass(frozen=True)
class SaturatedRatio(Ratio):
    """The token's own ratio, and for foreign tokens one that saturates. Guide-GRPO, arXiv:2506.13923, section 3.

    foreign: r / (r + gamma), r = exp(logprob - behaviour_logprob), gamma = that quantile of r over the foreign
    tokens of the update, a constant; its gradient by logprob is at most 1/4. The authors' code takes the quantile over
    padding as well, whose r is 1, so that theirs depends on the batch's width; here padding does not count.
    """

    fresh = True
    quantile: Annotated[float, Field(ge=0, le=1, description="of the ratios, where a half is reached")] = 0.9
    least: Annotated[float, Field(gt=0, description="smallest gamma")] = 1e-4
    bound: Annotated[float, Field(gt=0, le=80, description="bound on the absolute log-ratio")] = 20.0

    def settle(self, batch: Batch, advantage: PerToken) -> Constants:
        marked = foreign(batch)
        ratio = self.towards_behaviour(batch)[marked]
        gamma = ratio.quantile(self.quantile) if len(ratio) else torch.ones_like(batch.logprob[0, 0])
        return {"gamma": gamma.clamp(min=self.least)}

    def towards_behaviour(self, batch: Batch) -> PerToken:
        """Current policy over the one that wrote; over the sampling policy where nothing says who did."""
        name = "behaviour_logprob" if "behaviour_logprob" in batch else "old_logprob"
        return (batch.logprob - batch[name]).clamp(-self.bound, self.bound).exp()

    def __call__(self, batch: Batch) -> PerToken:
        own = (batch.logprob - batch.old_logprob).clamp(-self.bound, self.bound).exp()
        marked = foreign(batch)
        if not marked.any():
            return own
        ratio = self.towards_behaviour(batch)
        return torch.where(marked, ratio / (ratio + batch["gamma"]), own)


@dataclass(frozen=True)
class ProbabilityRatio(Ratio):
    """The token's own ratio, and for foreign tokens p / (p + gamma), p = exp(logprob). LUFFY, arXiv:2504.14945.

    It takes whoever wrote the token to have been certain; tokens of a probability near gamma learn fastest.
    """

    gamma: Annotated[float, Field(gt=0, description="probability at which a half is reached")] = 0.1
    bound: Annotated[float, Field(gt=0, le=80, description="bound on the absolute log-ratio")] = 20.0

    def __call__(self, batch: Batch) -> PerToken:
        own = (batch.logprob - batch.old_logprob).clamp(-self.bound, self.bound).exp()
        probability = batch.logprob.exp()
        return torch.where(foreign(batch), probability / (probability + self.gamma), own)


@dataclass(frozen=True)
class MixedClip(Surrogate):
    """PPO's clipped objective for the policy's own tokens; -ratio · advantage, unclipped, for foreign ones."""

    low: Low = 0.2
    high: High = 0.2
    dual: Dual = None

    def __call__(self, batch: Batch, ratio: PerToken, advantage: PerToken) -> PerToken:
        own = Clip(self.low, self.high, self.dual)(batch, ratio, advantage)
        return torch.where(foreign(batch), -ratio * advantage, own)


@dataclass(frozen=True)
class Unclipped(Surrogate):
    """-ratio · advantage for every token. LUFFY, arXiv:2504.14945.

    With `focal` an advantage of foreign tokens is weighed by (1 - p)^focal, p = exp(logprob), a constant: what the
    policy would hardly have written counts most. RL-PLUS, arXiv:2508.00222, section 3.
    """

    focal: Annotated[float, Field(ge=0, description="exponent for foreign tokens; 0: off")] = 0.0

    def __call__(self, batch: Batch, ratio: PerToken, advantage: PerToken) -> PerToken:
        if not self.focal:
            return -ratio * advantage
        doubt = (1 - batch.logprob.detach().exp()).clamp(min=0) ** self.focal
        return -ratio * advantage * torch.where(foreign(batch), doubt, 1.0)


@dataclass(frozen=True)
class WriterRatio(Ratio):
    """Current policy over whoever wrote the token: the sampling policy, or for foreign tokens the one recorded.

    For rollouts of earlier steps that are trained again, whose ratio is to the policy of that time.
    """

    bound: Annotated[float, Field(gt=0, le=80, description="bound on the absolute log-ratio")] = 20.0

    def __call__(self, batch: Batch) -> PerToken:
        written = batch.old_logprob
        if "behaviour_logprob" in batch:
            written = torch.where(foreign(batch), batch["behaviour_logprob"], written)
        return (batch.logprob - written).clamp(-self.bound, self.bound).exp()
