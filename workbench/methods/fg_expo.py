"""FG-ExPO: problems of accuracy one half are sampled most; the KL coefficient grows with accuracy."""

import math
from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field

from workbench.kinds import Pick, Pool, Regulariser, Sampler
from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.pieces.advantage import GroupZ
from workbench.pieces.regulariser import K3, Cap, Difference, reference
from workbench.pieces.surrogate import Clip
from workbench.types import Batch, Constants, PerToken, State
from workbench.types.memory import Ledger


@dataclass(frozen=True)
class AccuracyKl(Regulariser):
    """The k3 estimate with a coefficient that grows with accuracy. arXiv:2605.11403, "AKL".

    loss = coefficient · (tanh(accuracy) + 1) / 2 · k3, accuracy = mean correctness over the update: from half of the
    coefficient where nothing is correct to .88 of it where everything is.
    """

    coefficient: Annotated[float, Field(ge=0, description="its weight in the loss before scaling")] = 0.02  # the paper
    bound: Difference = 20.0
    cap: Cap = 10.0

    @property
    def over_batch(self) -> bool:
        return self.coefficient > 0

    @property
    def needs(self) -> frozenset[str]:
        return reference(self.coefficient)

    def settle(self, batch: Batch, advantage: PerToken) -> Constants:
        known = batch.correct[batch.scored & ~batch.correct.isnan()]
        accuracy = known.mean() if len(known) else torch.zeros_like(batch.logprob[0, 0])
        return {"scale": (accuracy.tanh() + 1) / 2}

    def __call__(self, batch: Batch) -> PerToken:
        return batch["scale"] * K3(coefficient=self.coefficient, bound=self.bound, cap=self.cap)(batch)


@dataclass(frozen=True)
class GaussianCurriculum(Sampler):
    """Draws problems near an accuracy of one half, without replacement. arXiv:2605.11403, "GCS".

    weight = exp(-(rate - 0.5)² / (2 width²)), rate <- keep · rate + (1 - keep) · accuracy over a problem's visits
    in the ledger, 0.5 before the first.
    """

    width: Annotated[float, Field(gt=0, description="of the bell over accuracies (sigma)")] = 0.35  # the paper
    keep: Annotated[float, Field(ge=0, lt=1, description="how much of the old rate stays (alpha)")] = 0.9  # the paper
    endless: Annotated[int, Field(ge=1, description="how many problems of an endless task are drawn from")] = 1024

    def __call__(self, state: State, pool: Pool) -> tuple[list[Pick], State]:
        weights = [self.weight(self.rate(pool.ledger, n)) for n in range(pool.size or self.endless)]
        order = sorted(range(len(weights)), key=lambda n: math.log(1 - pool.uniform(n)) / weights[n], reverse=True)
        numbers = [order[turn % len(order)] for turn in range(pool.count)]
        return [Pick(number, pool.rollouts) for number in numbers], state

    def rate(self, ledger: Ledger, number: int) -> float:
        """A problem's moving accuracy."""
        rate = 0.5
        for visit in ledger.visits(number):
            if visit.attempts:
                rate = self.keep * rate + (1 - self.keep) * visit.rate
        return rate

    def weight(self, rate: float) -> float:
        """How often a problem of this rate is drawn, against one solved half the time; never 0."""
        return max(math.exp(-((rate - 0.5) ** 2) / (2 * self.width**2)), 1e-9)


METHODS = {
    "fg_expo": derive(
        GRPO,
        title="FG-ExPO",
        paper="arXiv:2605.11403",
        equation=r"\mathcal L_{clip}+\beta\,\tfrac{\tanh(\overline{acc})+1}{2}\,\overline{k_3},\quad "
        r"P(q)\propto e^{-(\tilde p_q-\frac12)^2/2\sigma^2}",
        changes="a KL loss whose coefficient grows with the batch's accuracy, and problems sampled by how near their"
        " accuracy is to one half",
        advantage=GroupZ(population=True),
        surrogate=Clip(low=0.2, high=0.28),  # as in DAPO
        regularisers=(AccuracyKl(),),
        sampler=GaussianCurriculum(),
    )
}
