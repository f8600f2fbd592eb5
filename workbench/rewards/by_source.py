"""A reward for each source of a mixture."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from workbench.kinds import Reward
from workbench.types import Asked, Bench, Problem, Rollout, Score

NAN = float("nan")


@dataclass(frozen=True)
class BySource(Reward):
    """Scores a problem of the task `mixture` with the reward of its source, or with `otherwise`; nan without either."""

    rewards: Annotated[Mapping[str, Reward], Field(min_length=1, description="by source")]
    otherwise: Annotated[Reward | None, Field(description="for every other source")] = None

    @property
    def asks(self) -> frozenset[str]:
        every = [reward.asks for reward in (*self.rewards.values(), self.otherwise) if reward is not None]
        return frozenset().union(*every)

    @property
    def groupwise(self) -> bool:  # type: ignore[override]
        """Whether one of them compares the rollouts of a group."""
        return any(reward.groupwise for reward in (*self.rewards.values(), self.otherwise) if reward is not None)

    def check(self) -> list[str]:
        every = {**self.rewards, **({} if self.otherwise is None else {"otherwise": self.otherwise})}
        return [f"by_source.{source}: {error}" for source, reward in every.items() for error in reward.check()]

    def __call__(self, problem: Problem, rollouts: Sequence[Rollout], scorer: Bench | None) -> list[Score] | Asked:
        source = problem.source
        reward = self.rewards.get(source, self.otherwise)
        if reward is None:
            return [Score(NAN, f"unscored: no reward for the source {source!r}") for _ in rollouts]
        return reward(problem, rollouts, scorer)
