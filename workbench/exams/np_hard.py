"""NP-hard problems as an exam: success rate and quality ratio. NP-Engine, arXiv:2510.16476."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from workbench.kinds import Counts, Exam, Reward, Task
from workbench.problems.np_hard.family import Level
from workbench.rewards.np_hard import NpHard as NpReward
from workbench.tasks.np_hard import NpHard as NpTask
from workbench.types import Group


@dataclass(frozen=True)
class NpHard(Exam):
    """Instances of a family: *success rate*, any feasible solution, and *quality ratio*, the best sample's quality.

    pass@k is the chance of a solution as good as the heuristic's. The paper takes three samples.
    """

    family: Annotated[str, Field(description="which kind of problem")] = "clique"
    level: Annotated[Level, Field(description="how large the instances are")] = "easy"

    @property
    def task(self) -> Task:
        return NpTask(self.family, self.level)

    @property
    def reward(self) -> Reward:
        return NpReward(scale="quality")

    def measures(self, groups: Sequence[Group], base: Sequence[Counts] | None) -> Mapping[str, Sequence[float]]:
        del base
        best = [max(rollout.parts[self.reward.name].value for rollout in group.rollouts) for group in groups]
        return {"success rate": [float(quality > 0) for quality in best], "quality ratio": best}
