"""Filters that two or more papers share: which groups are trained on."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from workbench.kinds import Filter, Verdict
from workbench.types import Group, State

Rounds = Annotated[int, Field(ge=0, description="most further rounds of sampling a step")]


@dataclass(frozen=True)
class DynamicSampling(Filter):
    """Trains on problems that are neither always solved nor never. DAPO, arXiv:2503.14476, section 3.2.

    keep: 0 < correct rollouts < n, since a shaped reward may vary where correctness does not. The others are replaced
    by new problems for at most `rounds` further rounds; what is missing then stays missing.
    """

    rounds: Rounds = 9  # verl: 10 in all

    def __call__(self, state: State, groups: Sequence[Group]) -> list[Verdict]:
        return ["keep" if 0 < group.accuracy < 1 else "resample" for group in groups]


@dataclass(frozen=True)
class MovingSpread(Filter):
    """Trains on problems whose rewards vary as much as usual, for rewards that are not 0 or 1. RLPR, arXiv:2506.18254.

    keep: s >= share · usual, s the sample standard deviation of a group's rewards. usual: of the steps `collect` to
    `active` - 1 the mean of their mean s, over all groups, kept or not; after each later step
    usual <- keep · usual + (1 - keep) · mean s. Before `active` every group is kept. A group with fewer than two scored
    rollouts has no s: it is replaced and not counted.
    """

    share: Annotated[float, Field(ge=0, description="of the usual spread, below which a group is replaced (beta)")] = (
        0.5  # the paper, for Qwen; 0.9 for Llama, 1.0 for Gemma
    )
    keep: Annotated[float, Field(ge=0, lt=1, description="how much of the usual spread stays after a step")] = 0.99
    collect: Annotated[int, Field(ge=1, description="the first step whose spread is taken in")] = 6
    active: Annotated[int, Field(ge=2, description="the first step that is filtered")] = 11
    rounds: Rounds = 9  # ours; the paper: until the step is full

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.active <= self.collect:
            raise ValueError(
                f"active = {self.active}: give a step after collect = {self.collect}, for there to be some"
            )

    def init(self) -> State:
        return {"steps": 0, "collected": [], "usual": None}

    def __call__(self, state: State, groups: Sequence[Group]) -> list[Verdict]:
        if state["usual"] is None:
            return ["keep"] * len(groups)
        bound = self.share * state["usual"]
        return ["keep" if spread(group) >= bound else "resample" for group in groups]  # nan is not

    def learn(self, state: State, groups: Sequence[Group]) -> State:
        steps, collected, usual = state["steps"] + 1, state["collected"], state["usual"]
        found = [value for value in map(spread, groups) if not math.isnan(value)]
        if found and steps >= self.collect:
            mean = statistics.fmean(found)
            if usual is None:
                collected = [*collected, mean]
            else:
                usual = self.keep * usual + (1 - self.keep) * mean
        if usual is None and collected and steps >= self.active - 1:
            usual, collected = statistics.fmean(collected), []
        return {"steps": steps, "collected": collected, "usual": usual}


def spread(group: Group) -> float:
    """The sample standard deviation of a group's rewards; nan with fewer than two of them."""
    rewards = [rollout.reward for rollout in group.rollouts if not math.isnan(rollout.reward)]
    return statistics.stdev(rewards) if len(rewards) > 1 else math.nan
