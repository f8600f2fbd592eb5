"""R-Horizon: problems that need the answer of the one before. arXiv:2510.08189."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from workbench.kinds import Counts, Exam, Reward, Task
from workbench.rewards.all_boxes import AllBoxes
from workbench.tasks.chained import Chained
from workbench.types import Group


@dataclass(frozen=True)
class ReasoningHorizon(Exam):
    """Chains of `count` problems of a task (task `chained`), all of whose answers must be correct.

    `first` is how often the first box of the chain is correct: by independence a chain would be solved with about
    first^count, and what is missing to that is what the horizon costs.
    """

    asked: Annotated[Task, Field(description="whose test split is chained")]
    count: Annotated[int, Field(ge=2, le=16, description="problems of a chain")] = 2

    @property
    def task(self) -> Task:
        return Chained(self.asked, self.count)

    @property
    def reward(self) -> Reward:
        return AllBoxes()

    def measures(self, groups: Sequence[Group], base: Sequence[Counts] | None) -> Mapping[str, Sequence[float]]:
        del base
        found = []
        for group in groups:
            wanted = str(group.problem.data["answers"][0])
            given = [rollout.parts[self.reward.name].extracted.split(", ") for rollout in group.rollouts]
            found.append(sum(len(boxes) == self.count and boxes[0] == wanted for boxes in given) / len(given))
        return {"first": found}
