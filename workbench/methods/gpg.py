"""GPG: the plain policy gradient with the group's mean as baseline, scaled up for the groups without a gradient."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from workbench.kinds import Advantage, Surrogate
from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.ops import group_centre, group_sum, spread
from workbench.pieces.reduction import TokenMean
from workbench.types import Batch, PerToken


@dataclass(frozen=True)
class ScaledCentre(Advantage):
    """A rollout's reward less its group's mean, times a factor of the batch. GPG, arXiv:2504.02546, section 3.

    advantage = alpha · (reward - mean(group)), alpha = rollouts / rollouts of groups with unequal rewards: the gradient
    is as large as if no zero-variance group were in the batch. verl counts the rollouts of reward 0 instead of those
    of zero-variance groups; here the authors' code is followed. `scale` off leaves alpha at 1.
    """

    scale: Annotated[bool, Field(description="scale up for zero-variance groups")] = True

    @property
    def over_batch(self) -> bool:
        return self.scale

    def __call__(self, batch: Batch) -> PerToken:
        centred = group_centre(batch.reward, batch.group)
        if self.scale:
            active = group_sum((centred.nan_to_num(nan=0.0) != 0).to(centred.dtype), batch.group) > 0
            centred = centred * batch.scored.sum() / (active & batch.scored).sum().clamp(min=1)
        return spread(centred, batch.mask)


@dataclass(frozen=True)
class LogLikelihood(Surrogate):
    """The policy gradient without a ratio. GPG, arXiv:2504.02546, section 3; REINFORCE.

    loss = -advantage · logprob; the gradient flows through logprob. Exact for one update a step: further updates of the
    same rollouts are off-policy, and nothing corrects for it.
    """

    def __call__(self, batch: Batch, ratio: PerToken, advantage: PerToken) -> PerToken:
        return -advantage * batch.logprob


METHODS = {
    "gpg": derive(
        GRPO,
        title="GPG",
        paper="arXiv:2504.02546",
        equation=r"-\frac{1}{\sum_i|o_i|}\sum_{i,t}A_i\log\pi(o_{i,t}),\quad A_i=\frac{B}{B-M}(R_i-\bar R),\quad"
        r" M=|\{i:\mathrm{std}(R)=0\}|",
        changes="no ratio, no clip, no KL loss and no division by the standard deviation; the gradient is scaled up by"
        " the share of rollouts whose group has a reward variance",
        advantage=ScaledCentre(),
        surrogate=LogLikelihood(),
        reduction=TokenMean(),
        regularisers=(),
    )
}
