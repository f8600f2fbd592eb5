"""CANON: a group is cut in two halves by entropy or length, and a rollout is compared with the other half."""

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from workbench.kinds import Advantage
from workbench.method import derive
from workbench.methods.dr_grpo import METHODS as DR_GRPO
from workbench.ops import group_count, group_mean, masked_mean, spread
from workbench.pieces.surrogate import Clip
from workbench.types import Batch, PerRollout, PerToken


def upper_half(metric: PerRollout, group: Tensor) -> Tensor:
    """Which rollouts are in the upper half of their group by this metric, [rollout]; the larger half of an odd group.

    nan is in neither. Equal values are ordered by position.

    >>> upper_half(torch.tensor([3.0, 1.0, 2.0, 5.0, 4.0]), torch.tensor([0, 0, 0, 1, 1])).tolist()
    [True, False, True, True, False]
    """
    known = ~metric.isnan()
    order = metric.nan_to_num(nan=-torch.inf).argsort(stable=True)
    order = order[group[order].argsort(stable=True)]
    count = group_count(metric, group)
    _, sizes = torch.unique(group, return_counts=True)
    start = torch.repeat_interleave(sizes.cumsum(0) - sizes, sizes)
    place = torch.empty_like(count)
    place[order] = torch.arange(len(group), device=group.device, dtype=count.dtype) - start.to(count.dtype)
    unknown = (~known).to(count.dtype)
    _, index = torch.unique(group, return_inverse=True)
    missing = torch.zeros(len(sizes), dtype=count.dtype, device=group.device).index_add(0, index, unknown)[index]
    return known & (place - missing >= (count / 2).floor())


@dataclass(frozen=True)
class OtherHalf(Advantage):
    """The reward against the mean of the other half, and of the own. arXiv:2509.23962, section 3.

    between = reward - mean(other half), within = reward - mean(own half)
    advantage = share · between + (1 - share) · within; with equal halves and share 1/2 it is Dr. GRPO's.
    `follow` takes the mean reward of the batch as the share. With `discourage` below 1 the reward of the half to be
    discouraged (the longer, or the more decided one) counts for less in `between`. A lone rollout gets 0.
    Defaults: the authors' scripts/setups.sh.
    """

    by: Annotated[Literal["entropy", "length"], Field(description="what cuts the group")] = "entropy"
    share: Annotated[float, Field(ge=0, le=1, description="of the comparison between halves (mu)")] = 1.0
    follow: Annotated[bool, Field(description="the share is the mean reward of the batch")] = False
    discourage: Annotated[float, Field(ge=0, le=1, description="what a reward of that half is worth")] = 1.0

    @property
    def over_batch(self) -> bool:
        return self.follow

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"old_entropy"} if self.by == "entropy" else ())

    def __call__(self, batch: Batch) -> PerToken:
        known = batch.scored & batch.mask.any(1)
        metric = batch.lengths if self.by == "length" else masked_mean(batch["old_entropy"], batch.mask)
        upper = upper_half(torch.where(known, metric, torch.nan), batch.group)
        disliked = upper if self.by == "length" else ~upper
        whole = torch.ones_like(batch.reward)
        own, other = half_means(batch.reward, batch.group, upper, known)
        worth, baseline = (torch.where(chosen, self.discourage * whole, whole) for chosen in (disliked, ~disliked))
        between = worth * batch.reward - baseline * other
        share = batch.reward.nanmean() if self.follow else self.share
        found = share * between + (1 - share) * (batch.reward - own)
        return spread(torch.where(group_count(batch.reward, batch.group) > 1, found, 0.0), batch.mask)


def half_means(reward: PerRollout, group: Tensor, upper: Tensor, known: Tensor) -> tuple[PerRollout, PerRollout]:
    """The mean reward of each rollout's own half, and of the other."""
    high = group_mean(torch.where(upper & known, reward, torch.nan), group)
    low = group_mean(torch.where(~upper & known, reward, torch.nan), group)
    return torch.where(upper, high, low), torch.where(upper, low, high)


CANON = derive(
    DR_GRPO["dr_grpo"],
    title="CANON by entropy",
    paper="arXiv:2509.23962",
    equation=r"A_i=\mu\,(R_i-\bar R^{other\ half})+(1-\mu)(R_i-\bar R^{own\ half}),\quad"
    r"\text{halves by }\tfrac1{|o_i|}\textstyle\sum_tH_{i,t}",
    changes="a rollout is compared with the half of its group that is less, or more, decided",
    advantage=OtherHalf(),
    surrogate=Clip(low=0.2, high=0.28, dual=3.0),  # scripts/setups.sh, and their code's default bound for A < 0
    regularisers=(),
)

METHODS = {
    "canon": CANON,
    "canon_length": derive(
        CANON,
        title="CANON by length",
        paper="arXiv:2509.23962, by length",
        equation=r"A_i=\mu\,(R_i-\bar R^{other\ half})+(1-\mu)(R_i-\bar R^{own\ half}),\quad\text{halves by }|o_i|",
        changes="a rollout is compared with the half of its group that is shorter, or longer",
        advantage=OtherHalf(by="length"),  # with discourage = 0.9: the run that shortens completions
    ),
}
