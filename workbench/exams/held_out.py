"""Any task as an exam: its test split, graded by any reward."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from workbench.kinds import Counts, Exam, Reward, Task
from workbench.types import Group


@dataclass(frozen=True)
class HeldOut(Exam):
    """The test split of a task that need not be the run's, as GSM8K for a run on other problems."""

    asked: Annotated[Task, Field(description="whose test split is asked")]
    graded: Annotated[Reward, Field(description="what grades the completions")]

    @property
    def task(self) -> Task:
        return self.asked

    @property
    def reward(self) -> Reward:
        return self.graded

    def measures(self, groups: Sequence[Group], base: Sequence[Counts] | None) -> Mapping[str, Sequence[float]]:
        del groups, base
        return {}
