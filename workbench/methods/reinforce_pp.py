"""REINFORCE++: baseline and scale come from the whole batch, and the KL penalty sits in each token's reward."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from workbench.kinds import Advantage
from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.ops import group_centre, suffix_sum, whiten
from workbench.pieces.regulariser import K2
from workbench.pieces.reward_kl import RewardKl, reads, token_reward
from workbench.types import Batch, PerToken


@dataclass(frozen=True)
class WhitenedReturn(Advantage):
    """Return from each token on, whitened over all tokens of the batch. arXiv:2501.03262, section 3.

    reward[t] = reward at the last token - reward_kl · (old_logprob - ref_logprob)
    advantage[t] = (return[t] - mean) / sqrt(variance + 1e-8), return[t] = reward[t] + discount · return[t + 1]
    over the trained tokens; others, as a tool's words, are stepped over.
    With `baseline` the group's mean is taken off the reward first (REINFORCE++-baseline).
    """

    baseline: Annotated[bool, Field(description="take the group's mean off the reward first")] = False
    discount: Annotated[float, Field(gt=0, le=1, description="of later rewards")] = 1.0  # verl, OpenRLHF
    reward_kl: RewardKl = 0.0  # OpenRLHF: 0.01
    population: Annotated[bool, Field(description="variance of the population (OpenRLHF)")] = False  # verl: n - 1

    @property
    def over_batch(self) -> bool:
        return True

    @property
    def needs(self) -> frozenset[str]:
        return reads(self.reward_kl)

    def __call__(self, batch: Batch) -> PerToken:
        if self.baseline:
            batch = batch.replace(reward=group_centre(batch.reward, batch.group))
        returns = suffix_sum(token_reward(batch, self.reward_kl), self.discount, batch.mask)
        return whiten(returns, batch.mask, correction=0 if self.population else 1)


PLAIN = derive(
    GRPO,
    title="REINFORCE++",
    paper="arXiv:2501.03262",
    equation=r"A_{i,t}=\frac{G_{i,t}-\mu_{batch}}{\sigma_{batch}},\quad"
    r" G_{i,t}=\sum_{k\ge t}\gamma^{k-t}\big(\mathbb 1[k=|o_i|]R_i-\beta\,k_{1,i,k}\big)",
    changes="a rollout is compared with the whole batch instead of its group, so one per problem is enough",
    advantage=WhitenedReturn(),
    regularisers=(),
    group_size=1,
)

METHODS = {
    "reinforce_pp": PLAIN,
    "reinforce_pp_baseline": derive(
        PLAIN,
        title="REINFORCE++-baseline",
        paper="arXiv:2501.03262, the variant with a baseline",
        equation=r"A_{i,t}=\frac{(R_i-\bar R)-\mu_{batch}}{\sigma_{batch}}",
        changes="the group's mean is the baseline and the whole batch gives the scale; the paper's k2 loss is off"
        " (coefficient 0)",
        advantage=WhitenedReturn(baseline=True),
        regularisers=(K2(),),  # off, as in verl; the paper and verl's example set a coefficient (0.001)
        group_size=2,
    ),
}
