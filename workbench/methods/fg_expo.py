"""FG-ExPO: problems of accuracy one half are sampled most; the KL coefficient grows with accuracy."""

import math
from collections.abc import Sequence
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
from workbench.types import Batch, Constants, Group, PerToken, State


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

    weight = exp(-(rate - 0.5)² / (2 width²)), rate <- keep · rate + (1 - keep) · accuracy whenever a problem was asked,
    0.5 before.
    """

    width: Annotated[float, Field(gt=0, description="of the bell over accuracies (sigma)")] = 0.35  # the paper
    keep: Annotated[float, Field(ge=0, lt=1, description="how much of the old rate stays (alpha)")] = 0.9  # the paper
    endless: Annotated[int, Field(ge=1, description="how many problems of an endless task are drawn from")] = 1024

    def init(self) -> State:
        return {"rates": {}}

    def __call__(self, state: State, pool: Pool) -> tuple[list[Pick], State]:
        weights = [self.weight(state["rates"].get(str(n), 0.5)) for n in range(pool.size or self.endless)]
        order = sorted(range(len(weights)), key=lambda n: math.log(1 - pool.uniform(n)) / weights[n], reverse=True)
        numbers = [order[turn % len(order)] for turn in range(pool.count)]
        return [Pick(number, pool.rollouts) for number in numbers], state

    def weight(self, rate: float) -> float:
        """How often a problem of this rate is drawn, against one solved half the time; never 0."""
        return max(math.exp(-((rate - 0.5) ** 2) / (2 * self.width**2)), 1e-9)

    def learn(self, state: State, groups: Sequence[Group]) -> State:
        rates = dict(state["rates"])
        for group in groups:
            pick = group.rollouts[0].request.pick if group.rollouts else -1
            if pick >= 0 and group.accuracy == group.accuracy:
                name = str(pick)
                rates[name] = self.keep * rates.get(name, 0.5) + (1 - self.keep) * group.accuracy
        return {**state, "rates": rates}


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
