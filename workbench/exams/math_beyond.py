"""MATH-Beyond's construction: what the base never solves. arXiv:2510.11653."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from workbench.kinds import Counts, Exam, Reward, Task
from workbench.types import Group


@dataclass(frozen=True)
class MathBeyond(Exam):
    """The expansion rate: of the problems that the base solves in none of its completions, how many are solved now.

    On the published problems the base is known to solve none; here they are found by evaluating the base, so it needs
    `--base`. A problem that the base solves with probability p is found with (1 - p)^k: ask for a large k, and compare
    with `workbench.analysis.support.by_chance`. The share the base leaves unsolved is a measure as well.
    """

    asked: Annotated[Task, Field(description="whose test split is asked")]
    graded: Annotated[Reward, Field(description="what grades the completions")]

    @property
    def task(self) -> Task:
        return self.asked

    @property
    def reward(self) -> Reward:
        return self.graded

    def measures(self, groups: Sequence[Group], base: Sequence[Counts] | None) -> Mapping[str, Sequence[float]]:
        if base is None:
            return {}
        beyond = [correct == 0 for correct, _ in base]
        rates = [float(solved(group)) for group, unsolved in zip(groups, beyond, strict=True) if unsolved]
        return {"unsolved by the base": list(map(float, beyond)), **({"expansion": rates} if rates else {})}


def solved(group: Group) -> bool:
    """Whether any completion is correct."""
    return any(rollout.outcome == 1 for rollout in group.rollouts)
