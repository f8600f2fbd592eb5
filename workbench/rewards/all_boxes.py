r"""Several answers in one completion, all of which must be correct. R-Horizon, arXiv:2510.08189."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from workbench.kinds import Reward
from workbench.rewards.grading.algebra import Algebra
from workbench.rewards.grading.compare import grade
from workbench.rewards.grading.find import after_thinking, boxes
from workbench.types import Problem, Rollout, Score, Scorer

NAN = float("nan")
LONGEST = 1000  # characters of an answer


@dataclass(frozen=True)
class AllBoxes(Reward):
    r"""1 where the last boxes are the reference answers (`data["answers"]`), in their order; else 0.

    R = Π_j [answer_j is correct], over as many of the last `\boxed{}` behind the thinking as there are problems; fewer
    boxes: 0. Each is compared as `exact` does, without computer algebra.
    """

    think_end: Annotated[str, Field(description="the closing think tag; empty: all text counts")] = "</think>"

    def __call__(self, problem: Problem, rollouts: Sequence[Rollout], scorer: Scorer | None) -> list[Score]:
        del scorer
        wanted = problem.data.get("answers")
        if not wanted:
            return [Score(NAN, "unscored: the problem has no list of answers") for _ in rollouts]
        return [self.score([str(answer) for answer in wanted], rollout.text) for rollout in rollouts]

    def score(self, wanted: Sequence[str], text: str) -> Score:
        """One completion."""
        rest = after_thinking(text, self.think_end, "cut")
        found = None if rest.missing else boxes(rest.text)
        if found is None:
            return Score(0.0, rest.missing or r"the last \boxed{ is not closed", correct=False)
        given = [content[:LONGEST] for _, _, content in found][-len(wanted) :]
        extracted = ", ".join(given)
        if len(given) < len(wanted):
            return Score(0.0, f"{len(given)} boxes for {len(wanted)} answers", correct=False, extracted=extracted)
        for place, (reference, answer) in enumerate(zip(wanted, given, strict=True), start=1):
            if not grade(reference, answer, Algebra(available=False)).correct:
                reason = f"box {place}: read {answer[:40]!r}, expected {reference!r}"
                return Score(0.0, reason, correct=False, extracted=extracted)
        return Score(1.0, f"all {len(wanted)} boxes match", correct=True, extracted=extracted)
