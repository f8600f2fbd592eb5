"""FG-ExPO: the more the policy gets right, the closer it is held to where it started."""

from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field

from workbench.kinds import Regulariser
from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.pieces.advantage import GroupZ
from workbench.pieces.regulariser import K3, Cap, Difference, reference
from workbench.pieces.surrogate import Clip
from workbench.types import Batch, Constants, PerToken


@dataclass(frozen=True)
class AccuracyKl(Regulariser):
    """The k3 estimate with a coefficient that grows with accuracy. arXiv:2605.11403, "AKL".

    loss = coefficient · (tanh(accuracy) + 1) / 2 · k3, accuracy = mean correctness over the update: from half of the
    coefficient where nothing is right to .88 of it where everything is.
    """

    coefficient: Annotated[float, Field(ge=0, description="its weight in the loss before scaling")] = 0.02
    bound: Difference = 20.0
    cap: Cap = 10.0

    @property
    def over_batch(self) -> bool:
        return self.coefficient > 0

    @property
    def needs(self) -> frozenset[str]:
        return reference(self.coefficient)

    def settle(self, batch: Batch, advantage: PerToken) -> Constants:
        known = batch.correct[batch.judged & ~batch.correct.isnan()]
        accuracy = known.mean() if len(known) else torch.zeros_like(batch.logprob[0, 0])
        return {"scale": (accuracy.tanh() + 1) / 2}

    def __call__(self, batch: Batch) -> PerToken:
        return batch["scale"] * K3(coefficient=self.coefficient, bound=self.bound, cap=self.cap)(batch)


METHODS = {
    "fg_expo": derive(
        GRPO,
        title="FG-ExPO, its KL part",
        paper="arXiv:2605.11403",
        equation=r"\mathcal L_{clip}+\beta\,\tfrac{\tanh(\overline{acc})+1}{2}\,\overline{k_3}",
        changes="a KL loss whose coefficient grows with the batch's accuracy: explore while much is wrong",
        advantage=GroupZ(population=True),
        surrogate=Clip(low=0.2, high=0.28),  # as in DAPO
        regularisers=(AccuracyKl(),),
    )
}
