"""MR-RLVR's rewards: the share of masked formulae filled in, and of steps in their place."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Annotated, Literal

from pydantic import Field

from workbench.kinds import Reward
from workbench.rewards.grading.algebra import Algebra
from workbench.rewards.grading.compare import grade
from workbench.types import Bench, Problem, Rollout, Score
from workbench.types.reasoning import STANDARD

LONGEST = 2_000  # characters of an answer


@dataclass(frozen=True)
class SolutionPuzzles(Reward):
    """Of the task `solution_puzzles`: matched masks / masks, or steps in place / steps. MR-RLVR, arXiv:2511.17473.

    A mask is matched by an equal value, compared without computer algebra. An order must name every step once; `pairs`
    counts pairs in order instead of places, so that one swap costs less. Another number of parts earns 0. Correct is
    the whole puzzle alone. The paper gives no formula: these shapes are ours.
    """

    order: Annotated[Literal["places", "pairs"], Field(description="what counts of an order")] = "places"

    def refuses(self, problem: Problem) -> str:
        known = problem.data.get("gold") and problem.data.get("puzzle") in ("fill", "order")
        return "" if known else "it is no puzzle of the task solution_puzzles"

    def __call__(self, problem: Problem, rollouts: Sequence[Rollout], scorer: Bench | None) -> list[Score]:
        del scorer
        gold, puzzle = [str(each) for each in problem.data.get("gold", ())], problem.data.get("puzzle")
        if not gold or puzzle not in ("fill", "order"):
            why = "unscored: the problem is no puzzle of the task solution_puzzles"
            return [Score(math.nan, why) for _ in rollouts]
        return [self.score(gold, str(puzzle), rollout.text) for rollout in rollouts]

    def score(self, gold: Sequence[str], puzzle: str, text: str) -> Score:
        """One completion."""
        before, marker, answer = text.rpartition(STANDARD)
        del before
        line = answer.strip().split("\n")[0] if marker else ""
        given = [part.strip() for part in line.split(";")]
        if not line or len(line) > LONGEST or len(given) != len(gold):
            return Score(
                0.0, f"{len(given) if line else 0} parts behind 'answer:', not {len(gold)}", False, line[:LONGEST]
            )
        if puzzle == "fill":
            hits = [
                bool(grade(want, each, Algebra(available=False)).correct)
                for want, each in zip(gold, given, strict=True)
            ]
        else:
            if sorted(given) != sorted(gold):
                return Score(0.0, "the order does not name every step once", False, line)
            hits = [want == each for want, each in zip(gold, given, strict=True)]
            if self.order == "pairs":
                place = {step: number for number, step in enumerate(given)}
                hits = [place[one] < place[other] for one, other in combinations(gold, 2)]
        whole = all(hits)
        return Score(sum(hits) / len(hits), f"{sum(hits)} of {len(hits)}", whole, line)
