"""REAL: a completion's mean log-ratio is a score; a classification loss separates correct from incorrect ones."""

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, softplus

from workbench.kinds import Surrogate
from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.ops import masked_mean
from workbench.pieces.advantage import Label
from workbench.types import Batch, PerRollout, PerToken, Scalar


@dataclass(frozen=True)
class Real(Surrogate):
    """Log-sum-exp over the rollouts of a question, with anchors at score 0. arXiv:2602.05630, section 3.

    score = mean over tokens of (logprob - old_logprob), over `temperature`
    loss of a question = log(1 + sum exp(-score of correct ones)) + log(1 + sum exp(score of incorrect ones))
    Averaged over all questions; a zero-variance group contributes 0. `style` "product" has one log for both and no
    anchors of their own, "bce" is binary cross-entropy over the rollouts.
    """

    setwise = True
    temperature: Annotated[float, Field(gt=0, description="divides the scores")] = 0.5  # section 4.1
    style: Annotated[Literal["anchors", "product", "bce"], Field(description="form of the loss")] = "anchors"

    def __call__(self, batch: Batch, ratio: PerToken, advantage: PerToken) -> Scalar:
        score = masked_mean(batch.logprob - batch.old_logprob, batch.mask) / self.temperature
        scored = batch.scored
        members = (torch.unique(batch.group[scored])[:, None] == batch.group) & scored  # [question, rollout]
        right, wrong = members & (batch.correct == 1), members & (batch.correct == 0)
        contrast = right.any(1) & wrong.any(1)
        if not contrast.any():
            return score.sum() * 0
        right, wrong = right[contrast], wrong[contrast]
        if self.style == "bce":
            return bce(score, right.any(0), wrong.any(0))
        lift, sink = log_sum(-score, right), log_sum(score, wrong)
        loss = softplus(lift + sink) if self.style == "product" else softplus(lift) + softplus(sink)
        return loss.sum() / len(members)


def log_sum(score: PerRollout, members: Tensor) -> Tensor:
    """log sum exp of the members' scores, [question]; softplus of it adds the anchor's 1."""
    return torch.where(members, score, -torch.inf).logsumexp(1)


def bce(score: PerRollout, right: Tensor, wrong: Tensor) -> Scalar:
    """Binary cross-entropy, averaged over the rollouts of questions with contrast."""
    valid = right | wrong
    return binary_cross_entropy_with_logits(score[valid], right[valid].to(score.dtype))


METHODS = {
    "real": derive(
        GRPO,
        title="REAL",
        paper="arXiv:2602.05630",
        equation=r"\frac1Q\sum_q\log\Big(1+\sum_{i\in P_q}e^{-\bar s_i/\tau}\Big)"
        r"+\log\Big(1+\sum_{j\in N_q}e^{\bar s_j/\tau}\Big),\quad\bar s_i=\frac1{|o_i|}\sum_t\log r_{i,t}",
        changes="no advantage and no clipping: rewards are labels, and a classification loss bounds every gradient",
        advantage=Label(),  # shown, not used
        surrogate=Real(),
        regularisers=(),
    )
}
