"""A verifier that errs as often as one likes, and an appeal against it: for studies of imperfect verifiers."""

import random
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import Field

from workbench.kinds import Reward
from workbench.types import Asked, Bench, Problem, Question, Reply, Rollout, Score


@dataclass(frozen=True)
class Noisy(Reward):
    """Another reward's grades, turned at chosen rates; rejected ones may appeal. arXiv:2510.00915, section 2 and 4.

    `missed`: the share of correct completions that it rejects; `accepted`: of incorrect ones that it accepts. Value
    and grade become 1 or 0. The draws are keyed by `seed`, problem, rollout and step: the same run errs alike. With
    `appeal`, a second reward is asked about rejected completions, and its grade stands where it accepts; how many it
    overturns estimates the first one's misses (`analysis.verifier_errors`). What the reward without noise said stands
    in the reason. Completions that it does not grade stay as they are.
    """

    reward: Annotated[Reward, Field(description="the verifier")]
    missed: Annotated[float, Field(ge=0, le=1, description="share of correct completions rejected (ρ1)")] = 0.1
    accepted: Annotated[float, Field(ge=0, le=1, description="share of incorrect completions accepted (ρ0)")] = 0.0
    appeal: Annotated[Reward | None, Field(description="asked about what was rejected; none: no appeal")] = None
    appealed: Annotated[float, Field(gt=0, le=1, description="share of the rejections that are appealed")] = 1.0
    seed: Annotated[int, Field(ge=0, description="of the errors")] = 0

    @property
    def asks(self) -> frozenset[str]:
        return self.reward.asks | (frozenset() if self.appeal is None else self.appeal.asks)

    @property
    def groupwise(self) -> bool:  # type: ignore[override]
        """Whether one of both compares the rollouts of a group."""
        return self.reward.groupwise or (self.appeal is not None and self.appeal.groupwise)

    def check(self) -> list[str]:
        both = {"reward": self.reward, **({} if self.appeal is None else {"appeal": self.appeal})}
        return [f"noisy.{name}: {error}" for name, reward in both.items() for error in reward.check()]

    def refuses(self, problem: Problem) -> str:
        return self.reward.refuses(problem)

    def __call__(self, problem: Problem, rollouts: Sequence[Rollout], scorer: Bench | None) -> Asked:
        truth = yield from graded(self.reward, problem, rollouts, scorer)
        step = 0 if scorer is None else scorer.step
        scores = [self.turned(score, problem, each, step) for score, each in zip(truth, rollouts, strict=True)]
        rejected = [
            place
            for place, score in enumerate(scores)
            if score.correct is False and self.draw("appeal", problem, rollouts[place], step) < self.appealed
        ]
        if self.appeal is None or not rejected:
            return scores
        second = yield from graded(self.appeal, problem, [rollouts[place] for place in rejected], scorer)
        for place, score in zip(rejected, second, strict=True):
            why = f"{scores[place].reason}; appeal: {score.reason}"
            scores[place] = replace(scores[place], reason=why)
            if score.correct:
                scores[place] = replace(scores[place], value=1.0, correct=True)
        return scores

    def turned(self, score: Score, problem: Problem, rollout: Rollout, step: int) -> Score:
        """A grade as this verifier gives it."""
        if score.correct is None or score.value != score.value:
            return score
        err = self.draw("error", problem, rollout, step) < (self.missed if score.correct else self.accepted)
        grade = score.correct is not err
        told = f"{'accepted' if grade else 'rejected'}{' in error' if err else ''}: {score.reason}"
        return replace(score, value=float(grade), correct=grade, reason=told)

    def draw(self, what: str, problem: Problem, rollout: Rollout, step: int) -> float:
        """A number in [0, 1) for a rollout."""
        return random.Random(f"{self.seed}/{what}/{step}/{problem.key}/{rollout.key}/{rollout.text}").random()


def graded(
    reward: Reward, problem: Problem, rollouts: Sequence[Rollout], scorer: Bench | None
) -> Generator[Sequence[Question], Sequence[Reply], list[Score]]:
    """The scores of another reward, which may ask."""
    found = reward(problem, rollouts, scorer)
    if isinstance(found, Generator):
        found = yield from found
    return list(found)
