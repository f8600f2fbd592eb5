"""ACE: incorrect completions in which the policy has grown confident are penalised more."""

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch.nn.functional import softplus

from workbench.kinds import Advantage
from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.ops import masked_mean, masked_sum, spread
from workbench.pieces.advantage import GroupZ
from workbench.types import Batch, PerToken


@dataclass(frozen=True)
class Overconfidence(Advantage):
    """GRPO's advantage, with negative advantages of incorrect completions enlarged. arXiv:2602.21420.

    drift = sum over tokens of (old_logprob - ref_logprob)
    advantage = A · (1 + strength · softplus(drift)) where A < 0 and the completion is incorrect, A elsewhere
    The abstract fixes the log-ratio, the softplus and that negative advantages alone are modulated; the 1, the
    strength and reading the policy that sampled are choices of this file. So is the case of rewards with more than two
    values: an incorrect completion with A > 0 and a correct one with A < 0 keep A. A sum grows with length: `drift`
    "mean" does not, and `cap` bounds the factor.
    """

    strength: Annotated[float, Field(ge=0, description="of the penalty (alpha)")] = 1.0  # a guess: not published
    drift: Annotated[Literal["sum", "mean"], Field(description="over the tokens of a completion")] = "sum"
    cap: Annotated[float | None, Field(ge=1, description="most an advantage may be enlarged; none: no bound")] = None
    eps: Annotated[float, Field(gt=0, description="added to the standard deviation")] = 1e-6  # GRPO's

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"old_logprob", "ref_logprob"} if self.strength else ())

    def __call__(self, batch: Batch) -> PerToken:
        standard = GroupZ(eps=self.eps)(batch)
        if not self.strength:
            return standard
        total = masked_sum if self.drift == "sum" else masked_mean
        factor = 1 + self.strength * softplus(total(batch.old_logprob - batch["ref_logprob"], batch.mask))
        if self.cap is not None:
            factor = factor.clamp(max=self.cap)
        penalised = spread(batch.correct, batch.mask) == 0
        return torch.where(penalised & (standard < 0), standard * spread(factor, batch.mask), standard)


METHODS = {
    "ace": derive(
        GRPO,
        title="ACE",
        paper="arXiv:2602.21420",
        equation=r"\tilde A_i=A_i\big(1+\alpha\,\mathrm{softplus}(c_i)\big)\text{ if }A_i<0,\ R_i=0;\quad "
        r"c_i=\log\frac{\pi(y_i)}{\pi_{ref}(y_i)}",
        changes="incorrect completions are penalised more, the more the policy's confidence in them has grown since the"
        " start of training",
        advantage=Overconfidence(),
        regularisers=(),
    )
}
