"""Off-policy sequence masking: incorrect rollouts that the current policy has left far behind are not trained on."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from workbench.kinds import Correction
from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.ops import masked_mean
from workbench.pieces.advantage import GroupCentre
from workbench.types import Batch, Constants, PerToken


@dataclass(frozen=True)
class OffPolicySequenceMask(Correction):
    """0 for rollouts of negative advantage whose divergence is too large. DeepSeek-V3.2, arXiv:2512.02556, equation 9.

    weight = 0 where advantage < 0 and mean over tokens of (engine_logprob - logprob) > threshold, 1 elsewhere, without
    gradient: what was sampled by a policy far from the current one teaches little by its errors. It takes in both the
    mismatch of engine and trainer and the updates since. A token whose engine log-prob is not known counts as 0 (TRL).
    A further `importance` correction multiplies it, as in TRL.
    """

    fresh = True
    threshold: Annotated[float, Field(gt=0, description="largest divergence, in nats a token")] = 0.5  # TRL's example
    importance: Annotated[Correction | None, Field(description="importance weights on top; none: 1")] = None

    @property
    def needs(self) -> frozenset[str]:
        own = frozenset({"engine_logprob"})
        return own if self.importance is None else own | self.importance.needs

    def settle(self, batch: Batch, advantage: PerToken) -> Constants:
        gap = (batch["engine_logprob"] - batch.logprob.detach()).nan_to_num(nan=0.0)
        near = masked_mean(gap, batch.mask) <= self.threshold
        return {"kept": (advantage >= 0) | near[:, None]}

    def __call__(self, batch: Batch) -> PerToken:
        kept = batch["kept"].to(batch.logprob.dtype)
        return kept if self.importance is None else kept * self.importance(batch)


METHODS = {
    "opsm": derive(
        GRPO,
        title="Off-policy sequence masking",
        paper="arXiv:2512.02556, section 3.1",
        equation=r"-\frac{1}{\sum_i|o_i|}\sum_{i,t}M_i\min\big(r_{i,t}A_i,\ \mathrm{clip}(r_{i,t})A_i\big),\quad M_i=0"
        r"\text{ if }A_i<0\text{ and }\frac1{|o_i|}\sum_t\log\frac{\mu(o_{i,t})}{\pi(o_{i,t})}>\delta",
        changes="rollouts with a negative advantage that the current policy has moved far away from are left out; the"
        " rewards' deviation does not divide",
        advantage=GroupCentre(),
        correction=OffPolicySequenceMask(),
    )
}
