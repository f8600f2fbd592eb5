"""Answers that need no computer algebra: numbers, quantities, words, choices; the embedded tasks'."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated

from pydantic import Field

from workbench.kinds import Reward
from workbench.rewards.grading.algebra import Algebra
from workbench.rewards.grading.compare import grade
from workbench.rewards.grading.ends import Found
from workbench.rewards.grading.find import after_thinking, find_answer
from workbench.rewards.grading.scores import reference_of, score_of, shortest
from workbench.types import Problem, Rollout, Score, Scorer

LONGEST = 1000  # characters of an answer
STANDARD = "answer:"


@dataclass(frozen=True)
class Exact(Reward):
    r"""1 where the answer is the reference, as text or as a typed value, without computer algebra; else 0.

    The answer stands behind the closing think tag: in the last `<answer>` tags, else in the last `\boxed{}`, else
    behind the last marker; `answer:` stands for all usual markers (`####`, `the answer is`, …), any other for itself
    alone. A missing answer is incorrect; a problem without reference is unscored (nan).
    """

    marker: Annotated[str, Field(min_length=1, description="what stands before the answer")] = STANDARD
    think_end: Annotated[str, Field(description="the closing think tag; empty: all text counts")] = "</think>"

    def __call__(self, problem: Problem, rollouts: Sequence[Rollout], scorer: Scorer | None) -> list[Score]:
        del scorer
        return [self.score(problem.answer, rollout.text) for rollout in rollouts]

    def score(self, reference: str, text: str) -> Score:
        """One answer."""
        wanted, found = reference_of(reference), self.extract(text)
        decided = None if found.missing else grade(wanted, found.text, Algebra(available=False))
        return score_of(wanted, found, decided)

    def extract(self, text: str) -> Found:
        """The answer of a text, or why there is none."""
        rest = after_thinking(text, self.think_end, "cut")
        if rest.missing:
            return rest
        standard = self.marker.casefold() == STANDARD
        found = find_answer(rest.text, "marked", None if standard else pattern(self.marker))
        if not standard and found.missing.startswith("no <answer>"):
            found = Found(missing=rf"no <answer> tags, no \boxed{{}} and no {self.marker!r} in the text")
        return shortest(found, LONGEST)


@lru_cache(maxsize=64)
def pattern(marker: str) -> re.Pattern[str]:
    """A marker as a search that ignores case."""
    return re.compile(re.escape(marker), re.IGNORECASE)
