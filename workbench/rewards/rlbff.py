"""RLBFF: the log-odds that a grader answers yes to one principle."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from workbench.kinds import Reward
from workbench.rewards.asking import bench_of
from workbench.rewards.judged import shown
from workbench.types import Asked, Bench, Choose, Problem, Rollout, Score


@dataclass(frozen=True)
class Rlbff(Reward):
    """log p(yes) - log p(no) after "does this response satisfy the principle?". RLBFF, arXiv:2509.21319, section 4.

    The principle stands in the problem's data, else it is `principle`; the policy does not see it. A problem without
    one is unscored. The log-odds have no bound, so that one very sure grade takes most of a group's advantage: `most`
    cuts them. They compare within a problem alone.
    """

    of: Annotated[str, Field(min_length=1, description="who is asked: a member of the cast")] = "judge"
    column: Annotated[str, Field(description="the column of the data that holds a problem's principle")] = "principle"
    principle: Annotated[str, Field(description="the principle of problems that name none")] = ""
    choices: Annotated[tuple[str, str], Field(description="yes and no, as the grader writes them")] = ("Yes", "No")
    most: Annotated[float | None, Field(gt=0, description="cut to this size, up and down; none: not cut")] = None

    @property
    def asks(self) -> frozenset[str]:
        return frozenset({self.of})

    def refuses(self, problem: Problem) -> str:
        found = str(problem.data.get(self.column) or self.principle).strip()
        return "" if found else f"it has no column {self.column!r}, and rlbff.principle is empty"

    def __call__(self, problem: Problem, rollouts: Sequence[Rollout], scorer: Bench | None) -> list[Score] | Asked:
        bench_of(scorer, self.name)
        principle = str(problem.data.get(self.column) or self.principle).strip()
        if not principle:
            why = f"unscored: the problem has no column {self.column!r}, and rlbff.principle is empty"
            return [Score(math.nan, why) for _ in rollouts]
        return self.ask(problem, rollouts, principle)

    def ask(self, problem: Problem, rollouts: Sequence[Rollout], principle: str) -> Asked:
        """One question a rollout."""
        yes, no = self.choices
        task = f"Does the response satisfy this principle: {principle}\nReply with {yes} or {no}."
        replies = yield [
            Choose(f"{shown(problem, rollout)}\n{task}", self.choices, of=self.of, about=rollout.key)
            for rollout in rollouts
        ]
        return [self.score(reply.logprobs[0], reply.logprobs[1], principle) for reply in replies]

    def score(self, yes: float, no: float, principle: str) -> Score:
        """The score of two log-probs."""
        odds = yes - no
        value = odds if self.most is None else min(self.most, max(-self.most, odds))
        return Score(value, f"{principle}: yes with probability {1 / (1 + math.exp(-odds)):.4f}")
