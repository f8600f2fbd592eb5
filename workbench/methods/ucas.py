"""UCAS: confidence lowers the advantage of correct completions, raises the penalty of incorrect ones and of tokens."""

from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field

from workbench.kinds import Advantage
from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.ops import group_centre, group_std, masked_mean, masked_sum, min_max, spread
from workbench.pieces.advantage import GroupZ
from workbench.pieces.surrogate import Clip
from workbench.types import Batch, PerToken


@dataclass(frozen=True)
class UncertaintyShaped(Advantage):
    """A group-standardised reward shaped by confidence, twice. arXiv:2510.10649, section 3.

    confidence = sum over tokens of (logsumexp - mean logit), standardised in the group
    shaped = A · exp(-right · confidence) where A > 0, A · exp(wrong · confidence) elsewhere
    advantage = shaped - penalty · (the token's logit, scaled to [0, 1] over the batch), not below 0 where shaped > 0
    The repository sums confidence over tokens, so that it mostly measures length; `mean` averages as the text says.
    """

    right: Annotated[float, Field(ge=0, description="how much confidence weakens correct completions")] = (
        0.25  # their code
    )
    wrong: Annotated[float, Field(ge=0, description="how much confidence strengthens incorrect ones")] = (
        0.35  # their code
    )
    penalty: Annotated[float, Field(ge=0, description="of the most certain token")] = 0.05  # their code
    mean: Annotated[bool, Field(description="average confidence over tokens instead of adding it")] = False
    eps: Annotated[float, Field(gt=0, description="added to standard deviations")] = 1e-6  # their code

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"old_logsumexp", "old_mean_logit", "old_chosen_logit"})

    def __call__(self, batch: Batch) -> PerToken:
        standard = GroupZ(eps=self.eps)(batch)
        confidence = (masked_mean if self.mean else masked_sum)(
            batch["old_logsumexp"] - batch["old_mean_logit"], batch.mask
        )
        confidence = torch.where(batch.scored & batch.mask.any(1), confidence, torch.nan)
        centred = group_centre(confidence, batch.group)
        score = spread(centred / (group_std(confidence, batch.group) + self.eps), batch.mask)
        shaped = standard * torch.where(standard > 0, (-self.right * score).exp(), (self.wrong * score).exp())
        paid = shaped - self.penalty * min_max(batch["old_chosen_logit"], batch.mask)
        return torch.where(shaped > 0, paid.clamp(min=0.0), paid)


METHODS = {
    "ucas": derive(
        GRPO,
        title="UCAS",
        paper="arXiv:2510.10649",
        equation=r"\tilde A_{i,t}=A_i\,e^{\mp c_\pm\hat c_i}-0.05\,\hat l_{i,t},\quad "
        r"c_i=\sum_t\big(\mathrm{logsumexp}(z_{i,t})-\bar z_{i,t}\big)",
        changes="the advantage is shaped by the model's confidence, in the completion as a whole and in each token",
        surrogate=Clip(dual=3.0),  # their code's default bound for A < 0
        advantage=UncertaintyShaped(),  # coefficients as in the authors' repository
        regularisers=(),
    )
}
