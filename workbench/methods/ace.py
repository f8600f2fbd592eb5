"""ACE: wrong answers that the policy has grown fond of are pushed down harder."""

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
    """GRPO's advantage, enlarged for wrong answers. arXiv:2602.21420.

    drift = sum over tokens of (old_logprob - ref_logprob)
    advantage = A · (1 + strength · softplus(drift)) for wrong answers, A for right ones
    The abstract fixes the log-ratio, the softplus and that right answers are left alone; the 1, the strength and
    reading the policy that sampled are this file's choice. A sum grows with length: `drift` "mean" does not, and
    `cap` bounds the factor.
    """

    strength: Annotated[float, Field(ge=0, description="of the penalty (alpha)")] = 1.0  # a guess: not published
    drift: Annotated[Literal["sum", "mean"], Field(description="over the tokens of an answer")] = "sum"
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
        return standard * spread(torch.where(batch.correct == 0, factor, 1.0), batch.mask)


METHODS = {
    "ace": derive(
        GRPO,
        title="ACE",
        paper="arXiv:2602.21420",
        equation=r"\tilde A_i=A_i\big(1+\alpha\,\mathrm{softplus}(c_i)\big)\text{ if }R_i=0,\quad"
        r"c_i=\log\frac{\pi(y_i)}{\pi_{ref}(y_i)}",
        changes="a wrong answer costs more the likelier the policy has made it since the start",
        advantage=Overconfidence(),
        regularisers=(),
    )
}
