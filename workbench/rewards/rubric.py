"""Rubric anchors: a grader scores several criteria, and a veto, saturation and interactions make one reward of them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from workbench.kinds import Reward
from workbench.rewards.asking import bench_of
from workbench.rewards.judged import shown
from workbench.types import Asked, Bench, Choose, Problem, Rollout, Score

TASK = "How well does the response meet this criterion"
Criterion = Mapping[str, str | float | bool]


@dataclass(frozen=True)
class Rubric(Reward):
    """Σ w · g(s) over criteria, 0 where a critical one fails. Rubric anchors, arXiv:2508.12790, section 3.

    s in [0, 1] is the expected level of a criterion, over the grader's probabilities of the levels 0 to `levels` - 1:
    nothing is read out of a text. A criterion is a table: `text`, and `weight` (1), `critical` (false). With
    `saturation` k: g(s) = (1 - exp(-k s)) / (1 - exp(-k)), else g(s) = s. An interaction is a table of two criteria, by
    number, and a `weight`: it adds weight · g · g. Weights are divided by the sum of the criteria's. The paper gives no
    formula for saturation (here k = 3 where it is on) and interactions: these are ours. Criteria in the column
    `rubric` of a problem's data stand in place of those here.
    """

    criteria: Annotated[tuple[Criterion, ...], Field(description="tables with text, weight, critical")] = ()
    of: Annotated[str, Field(min_length=1, description="who is asked: a member of the cast")] = "judge"
    column: Annotated[str, Field(description="the column of the data that holds a problem's own criteria")] = "rubric"
    levels: Annotated[int, Field(ge=2, le=10, description="levels of a criterion, from 0")] = 5
    veto: Annotated[float, Field(ge=0, le=1, description="a critical criterion fails below this")] = 0.5
    saturation: Annotated[float, Field(ge=0, le=50, description="k; 0: scores count as they are")] = 0.0
    interactions: Annotated[tuple[Mapping[str, float], ...], Field(description="tables with one, other, weight")] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        for criterion in self.criteria:
            check_criterion(criterion)
        for pair in self.interactions:
            places = [pair.get("one", -1.0), pair.get("other", -1.0)]
            if pair.keys() != {"one", "other", "weight"} or not all(
                place == int(place) and 0 <= place < len(self.criteria) for place in places
            ):
                known = f"0 to {len(self.criteria) - 1}" if self.criteria else "none"
                raise ValueError(
                    f"rubric.interactions: {dict(pair)} should have one, other and weight; criteria are {known}"
                )

    @property
    def asks(self) -> frozenset[str]:
        return frozenset({self.of})

    def refuses(self, problem: Problem) -> str:
        found = problem.data.get(self.column) or self.criteria
        return "" if found else f"it has no column {self.column!r}, and rubric.criteria is empty"

    def __call__(self, problem: Problem, rollouts: Sequence[Rollout], scorer: Bench | None) -> list[Score] | Asked:
        bench_of(scorer, self.name)
        criteria = problem.data.get(self.column) or self.criteria
        if not criteria:
            why = f"unscored: the problem has no column {self.column!r}, and rubric.criteria is empty"
            return [Score(math.nan, why) for _ in rollouts]
        for criterion in criteria:
            check_criterion(criterion)
        return self.ask(problem, rollouts, criteria)

    def ask(self, problem: Problem, rollouts: Sequence[Rollout], criteria: Sequence[Criterion]) -> Asked:
        """One question for every rollout and criterion."""
        levels = tuple(str(level) for level in range(self.levels))
        scale = f"Reply with one number from 0 (not at all) to {self.levels - 1} (fully)."
        replies = yield [
            Choose(
                f"{shown(problem, rollout)}\n{TASK}: {criterion['text']}\n{scale}",
                levels,
                of=self.of,
                about=rollout.key,
            )
            for rollout in rollouts
            for criterion in criteria
        ]
        found = iter(expected(reply.logprobs) / (self.levels - 1) for reply in replies)
        return [self.score([next(found) for _ in criteria], criteria) for _ in rollouts]

    def score(self, values: Sequence[float], criteria: Sequence[Criterion]) -> Score:
        """One score from those of the criteria."""
        told = "; ".join(f"{value:.2f} {each['text']}" for value, each in zip(values, criteria, strict=True))
        for value, criterion in zip(values, criteria, strict=True):
            if criterion.get("critical") and value < self.veto:
                return Score(0.0, f"veto: {criterion['text']} ({value:.2f} is below {self.veto:g}); {told}")
        weights = [float(criterion.get("weight", 1.0)) for criterion in criteria]
        shaped = [self.shaped(value) for value in values]
        total = sum(weight * value for weight, value in zip(weights, shaped, strict=True))
        for pair in self.interactions:
            one, other = int(pair["one"]), int(pair["other"])
            if max(one, other) < len(shaped):
                total += pair["weight"] * shaped[one] * shaped[other]
        return Score(total / (sum(weights) or 1.0), told)

    def shaped(self, value: float) -> float:
        """A criterion's score, saturated where that is on."""
        if not self.saturation:
            return value
        return (1 - math.exp(-self.saturation * value)) / (1 - math.exp(-self.saturation))


def check_criterion(criterion: Criterion) -> None:
    """Raises ValueError where a criterion has no text, or a field that none has."""
    odd = sorted(criterion.keys() - {"text", "weight", "critical"})
    if not str(criterion.get("text", "")).strip() or odd:
        what = f"has a field {odd[0]!r}" if odd else "has no text"
        raise ValueError(f"rubric: a criterion {what}: give text, and where wanted weight and critical")


def expected(logprobs: Sequence[float]) -> float:
    """The mean level, over probabilities renormalised to the levels.

    >>> expected([-5.0, -5.0])
    0.5
    """
    largest = max(logprobs)
    shares = [math.exp(value - largest) for value in logprobs]
    return sum(level * share for level, share in enumerate(shares)) / sum(shares)
