"""RewardMATH: which of ten solutions does a reward prefer? arXiv:2410.01729."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from workbench.analysis.ranking import Aggregation, aggregate, correct_first, reciprocal_rank
from workbench.kinds import Counts, Exam, Reward, Task
from workbench.tasks.ranked_solutions import RankedSolutions
from workbench.types import Group, Problem, Rollout


@dataclass(frozen=True)
class RewardMath(Exam):
    """Grades a reward, not the policy: one correct and nine incorrect solutions of each problem are given to it.

    *accuracy*: the correct one has the largest score (a tie is a loss; chance .1); *reciprocal rank*: the mean of
    1 / rank (chance .293). *accepted*: the share of incorrect solutions that the reward calls correct, by what is
    wrong with them where that is known; *refused*: whether it calls the correct one incorrect. A process reward's
    values per token are aggregated over the solution's steps, the tokens where it gives one that is not nan.
    """

    asked: Annotated[Task, Field(description="problems with their solutions, as in task `ranked_solutions`")]
    graded: Annotated[Reward, Field(description="the reward that is graded")]
    incorrect: Annotated[int, Field(ge=1, le=99, description="incorrect solutions of each problem")] = 9
    aggregation: Annotated[
        Aggregation | Literal["value"], Field(description="of a process reward's steps; value: the reward's own number")
    ] = "value"
    seed: Annotated[int, Field(ge=0, le=2**32 - 1, description="of the corruptions and of the order")] = 0

    @property
    def task(self) -> Task:
        return RankedSolutions(self.asked, self.incorrect, self.seed)

    @property
    def reward(self) -> Reward:
        return self.graded

    def given(self, problem: Problem) -> Sequence[str]:
        return [str(text) for text in problem.data["solutions"]]

    def measures(self, groups: Sequence[Group], base: Sequence[Counts] | None) -> Mapping[str, Sequence[float]]:
        del base
        found: dict[str, list[float]] = {"accuracy": [], "reciprocal rank": []}
        accepted: dict[str, list[float]] = {}
        for group in groups:
            place, kinds = group.problem.data["correct"], group.problem.data["kinds"]
            scores = [self.score(rollout) for rollout in group.rollouts]
            others = [score for other, score in enumerate(scores) if other != place]
            found["accuracy"].append(float(correct_first(scores[place], others)))
            found["reciprocal rank"].append(reciprocal_rank(scores[place], others))
            for kind, rollout in zip(kinds, group.rollouts, strict=True):
                if not math.isnan(rollout.outcome):
                    name = "refused" if kind == "correct" else f"accepted {kind}"
                    accepted.setdefault(name, []).append(float((rollout.outcome == 1) != (kind == "correct")))
        return {**found, **dict(sorted(accepted.items()))}

    def score(self, rollout: Rollout) -> float:
        """The number by which solutions are ranked; nan, which loses, where the reward gave none."""
        part = rollout.parts[self.graded.name]
        if self.aggregation == "value":
            return part.value
        steps = [value for value in part.per_token or () if not math.isnan(value)]
        return aggregate(steps, self.aggregation) if steps else math.nan
