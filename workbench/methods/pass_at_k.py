"""Pass@k training: a rollout is rewarded for the sets of k rollouts it belongs to, so that one success is enough."""

from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from workbench.kinds import Advantage
from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.ops import group_centre, group_count, group_std, group_sum, spread
from workbench.types import Batch, PerRollout, PerToken


@dataclass(frozen=True)
class PassAtK(Advantage):
    """The mean advantage of all sets of k rollouts that hold this one. arXiv:2508.10751, section 2.4.

    A set's reward is 1 if one of its rollouts is correct. With n rollouts of a group, w of them incorrect:
    rate = 1 - C(w, k) / C(n, k); deviation = sqrt(rate · (1 - rate))
    advantage = (1 - rate) / (deviation + eps) of a correct rollout,
    (1 - rate - C(w - 1, k - 1) / C(n - 1, k - 1)) / (deviation + eps) of an incorrect one.
    A group with fewer than k incorrect rollouts has an advantage of 0: every set succeeds. A group of fewer than k
    scored rollouts takes their number as k. k = 1 is GRPO on correctness, with the deviation of the population.
    """

    k: Annotated[int, Field(ge=1, description="rollouts of a set")] = 2  # the paper: 8 and more, of 32 rollouts
    eps: Annotated[float, Field(gt=0, description="added to the standard deviation")] = 1e-6  # the authors' code

    def __call__(self, batch: Batch) -> PerToken:
        correct = batch.correct.double()
        count = group_count(correct, batch.group)
        wrong = count - group_sum(correct, batch.group)
        size = count.clamp(max=self.k)
        failed = share_of_sets(wrong, count, size)
        deviation = (failed * (1 - failed)).sqrt() + self.eps
        without = share_of_sets(wrong - 1, count - 1, size - 1)
        found = torch.where(correct == 1, failed, failed - without) / deviation
        found = torch.where((wrong == 0) | (wrong == count) | (failed == 0), 0.0, found)
        return spread(torch.where(correct.isnan(), 0.0, found).to(batch.reward.dtype), batch.mask)


def share_of_sets(wrong: PerRollout, count: PerRollout, size: PerRollout) -> PerRollout:
    """C(wrong, size) / C(count, size), the share of sets without a correct rollout, [rollout]; 0 if wrong < size."""
    share = torch.exp(log_choose(wrong, size) - log_choose(count, size))
    return torch.where(wrong < size, 0.0, share).to(count.dtype)


def log_choose(whole: Tensor, part: Tensor) -> Tensor:
    """The logarithm of the binomial coefficient, for 0 <= part <= whole.

    >>> round(log_choose(torch.tensor(5.0), torch.tensor(2.0)).exp().item(), 3)
    10.0
    """
    return torch.lgamma(whole + 1) - torch.lgamma(part + 1) - torch.lgamma(whole - part + 1)


@dataclass(frozen=True)
class BestOfGroup(Advantage):
    """An advantage for the best rollout of a group alone. arXiv:2503.19595; verl's `grpo_passk`.

    advantage = (reward - largest reward of the others) / (deviation + eps) if above 0, else 0. With rewards of 0 and 1
    only a rollout that is alone in being correct is trained. The deviation is the sample's.
    """

    divide: Annotated[bool, Field(description="divide by the standard deviation of the group")] = True  # verl
    eps: Annotated[float, Field(gt=0, description="added to the standard deviation")] = 1e-6

    def __call__(self, batch: Batch) -> PerToken:
        reward = group_centre(batch.reward, batch.group)  # differences are the same, and equal rewards give 0
        others = (batch.group[:, None] == batch.group) & batch.scored
        others &= ~torch.eye(len(reward), dtype=torch.bool, device=reward.device)
        table = torch.where(others, reward.expand_as(others), -torch.inf)
        lead = torch.where(others.any(1) & batch.scored, reward - table.max(1).values, 0.0).clamp(min=0)
        deviation = group_std(batch.reward, batch.group) + self.eps if self.divide else 1.0
        return spread(lead / deviation, batch.mask)


METHODS = {
    "pass_at_k": derive(
        GRPO,
        title="Pass@k training",
        paper="arXiv:2508.10751",
        equation=r"A_+=\frac{1-\rho}{\sigma},\quad A_-=\frac{1-\rho}{\sigma}-\frac{\binom{w-1}{k-1}}"
        r"{\binom{n-1}{k-1}\sigma},\quad\rho=1-\frac{\binom wk}{\binom nk},\quad\sigma=\sqrt{\rho(1-\rho)}",
        changes="the reward is whether one of k rollouts is correct, averaged over all sets of k: problems that are"
        " often solved weigh less, and exploration is kept",
        advantage=PassAtK(),
        regularisers=(),
    )
}
