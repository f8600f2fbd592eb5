"""PACS: correctness is a label, predicted by a score of log-ratios with a leave-one-out baseline."""

from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field
from torch.nn.functional import binary_cross_entropy_with_logits

from workbench.kinds import Surrogate
from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.ops import group_count, group_mean, group_sum, masked_sum
from workbench.pieces.advantage import Label
from workbench.types import Batch, PerRollout, PerToken, Scalar


@dataclass(frozen=True)
class Pacs(Surrogate):
    """Binary cross-entropy of a score against correctness. arXiv:2509.02522, section 3.

    implicit = scale · sum over tokens of (logprob - old_logprob)
    score = n / (n - 1) · (implicit - mean(group)); the gradient flows through the baseline as well
    loss = mean of weight · cross-entropy(sigmoid(score), correct); weight balances correct and incorrect ones of a
    group. On-policy, unweighted, with scale 1, its gradient is RLOO's.
    """

    setwise = True
    scale: Annotated[float, Field(gt=0, description="multiplies the log-ratio (beta)")] = 1.0  # the repository's
    balance: Annotated[bool, Field(description="balance correct and incorrect ones of a group")] = True  # repository

    def __call__(self, batch: Batch, ratio: PerToken, advantage: PerToken) -> Scalar:
        known = batch.scored & ~batch.correct.isnan() & batch.mask.any(1)
        if not known.any():
            return (batch.logprob * 0).sum()
        label, group = batch.correct[known], batch.group[known]
        implicit = self.scale * masked_sum(batch.logprob - batch.old_logprob, batch.mask)[known]
        count = group_count(label, group)
        score = (implicit - group_mean(implicit, group)) * count / (count - 1).clamp(min=1)
        weight = balance(label, group) if self.balance else torch.ones_like(label)
        return binary_cross_entropy_with_logits(score, label.to(score.dtype), weight=weight.to(score.dtype))


def balance(label: PerRollout, group: torch.Tensor) -> PerRollout:
    """n / (2 · rollouts of the group with the same label), [rollout]; 1 where all labels are equal."""
    count, right = group_count(label, group), group_sum(label, group)
    alike = torch.where(label == 1, right, count - right)
    return torch.where((right > 0) & (right < count), count / (2 * alike), 1.0)


METHODS = {
    "pacs": derive(
        GRPO,
        title="PACS",
        paper="arXiv:2509.02522",
        equation=r"-\frac1B\sum_i\omega_i\big[R_i\log\sigma(\psi_i)+(1-R_i)\log(1-\sigma(\psi_i))\big],\quad"
        r"\psi_i=\hat r_i-\frac1{G-1}\sum_{j\ne i}\hat r_j,\ \hat r_i=\beta\sum_t\log r_{i,t}",
        changes="supervised learning of correctness by a score of log-ratios, whose saturation takes the place of"
        " clipping",
        advantage=Label(),  # shown, not used
        surrogate=Pacs(),
        regularisers=(),
    )
}
