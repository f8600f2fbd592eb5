"""Weighted GRPO on a pair: a hard problem's rare successes and an easy one's rare failures fill every step."""

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from pydantic import Field

from workbench.kinds import Advantage
from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.pieces.advantage import GroupCentre, GroupZ
from workbench.pieces.sampler import Chosen
from workbench.types import Batch, PerToken


@dataclass(frozen=True)
class UnevenZ(Advantage):
    """A group's standardised reward whose negative side is weighed. arXiv:2602.03452.

    reading "after": weight · A where A < 0; "centred": (1 + weight) · (reward - mean), which is the centred reward of
    a map to 1 and -weight.
    Mapping the reward before standardising, as the abstract says, would cancel: it is an affine map.
    """

    weight: Annotated[float, Field(gt=0, description="of failures against successes (lambda)")] = 1.0  # a guess
    reading: Annotated[Literal["after", "centred"], Field(description="where the weight enters")] = "after"
    eps: Annotated[float, Field(gt=0, description="added to the standard deviation")] = 1e-6  # GRPO's

    def __call__(self, batch: Batch) -> PerToken:
        if self.reading == "centred":
            return (1 + self.weight) * GroupCentre()(batch)
        standard = GroupZ(eps=self.eps)(batch)
        return torch.where(standard < 0, self.weight * standard, standard)


METHODS = {
    "weighted_grpo_pairs": derive(
        GRPO,
        title="Weighted GRPO on a pair",
        paper="arXiv:2602.03452",
        equation=r"A_i=\frac{R_i-\bar R}{\mathrm{std}(R)+\epsilon}\cdot\begin{cases}1&R_i>\bar R\\"
        r"\lambda&R_i<\bar R\end{cases}\quad\text{on }\{q^+,q^-\}",
        changes="two problems fill every step: a hard one for its rare correct rollouts, an easy one for its rare"
        " incorrect ones",
        advantage=UnevenZ(),
        regularisers=(),
        sampler=Chosen(numbers=(0, 1)),  # to be set: a hard problem that is sometimes solved, an easy one that is not
    )
}
