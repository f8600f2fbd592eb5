"""How one policy gradient step moves probability between correct and incorrect answers: BroRL, arXiv:2510.01180.

A policy over whole answers, p = softmax(z), takes one step on N sampled answers. The sampled ones push mass to the
correct side whatever they are; the ones that were not sampled may pull it back, and matter less the more are sampled.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

Answers = Float[Tensor, " answer"]
Chosen = Bool[Tensor, " answer"]


@dataclass(frozen=True)
class Balance:
    """The change of the correct answers' probability in its three parts; all are of first order in the step size."""

    sampled_correct: float  # never negative
    sampled_incorrect: float  # never negative
    unsampled: float  # of either sign

    @property
    def total(self) -> float:
        """The whole change."""
        return self.sampled_correct + self.sampled_incorrect + self.unsampled


def balance(
    probability: Answers, correct: Chosen, sampled: Chosen, *, step: float, count: int, rewards: tuple[float, float]
) -> Balance:
    """The change of the correct answers' probability. `rewards`: of correct and incorrect answers; `count`: N.

    S = R_c · P(sampled correct) + R_w · P(sampled incorrect); with second moments X2 = Σ p² and masses Q:
    step / N · [(R_c - S) Q_w A2 + (S - R_w) Q_c B2 + S (Q_c U_w2 - Q_w U_c2)].
    """
    right, wrong = rewards
    mass, square = probability.double(), probability.double().square()
    own = float(mass[correct].sum())
    other = 1 - own
    score = right * float(mass[sampled & correct].sum()) + wrong * float(mass[sampled & ~correct].sum())
    scale = step / count
    unsampled = own * float(square[~sampled & ~correct].sum()) - other * float(square[~sampled & correct].sum())
    return Balance(
        scale * (right - score) * other * float(square[sampled & correct].sum()),
        scale * (score - wrong) * own * float(square[sampled & ~correct].sum()),
        scale * score * unsampled,
    )


def stepped(
    logits: Answers, correct: Chosen, sampled: Chosen, *, step: float, count: int, rewards: tuple[float, float]
) -> float:
    """The exact change of the correct answers' probability by that step on the logits."""
    right, wrong = rewards
    probability = logits.double().softmax(0)
    reward = torch.where(sampled, torch.where(correct, right, wrong), 0.0).double()
    score = float((reward * probability).sum())
    moved = logits.double() + step / count * probability * (reward - score)
    return float(moved.softmax(0)[correct].sum() - probability[correct].sum())


def unsampled_moment(probability: Answers, count: int) -> float:
    """The expected second moment of the answers that N samples miss: Σ p² (1 - p)^N."""
    mass = probability.double()
    return float((mass.square() * (1 - mass).pow(count)).sum())
