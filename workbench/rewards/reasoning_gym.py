"""Answers to the data sets of reasoning-gym, scored by the data set's own verifier in a process of its own."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from workbench.kinds import Reward
from workbench.problems.gym.sets import EVALUATING
from workbench.rewards.grading.ends import Found
from workbench.rewards.grading.pool import Order, shared_pool
from workbench.rewards.grading.scores import score_of
from workbench.rewards.whole.answers import whole_answer
from workbench.rewards.whole.gym_sandbox import grades
from workbench.types import Problem, Rollout, Score, Scorer

SCRIPT = Path(__file__).parent / "whole" / "gym_worker.py"
FACTS = ("dataset", "settings", "level", "item")  # what the task says of a problem
NAN = float("nan")


@dataclass(frozen=True)
class ReasoningGym(Reward):
    """1 where the data set's verifier gives full marks, else 0; nan where it cannot verify its own reference.

    The answer stands behind the closing think tag, between `<answer>` and `</answer>` or behind the last `answer:`, all
    of it as written. Partial credit is not paid: reasoning-gym gives some for a text that merely contains the
    reference. Fourteen verifiers that paid hedges or beginnings in full are held to the form of the answer as well.
    Nine verifiers evaluate the answer as code: it must be a literal or a formula, and they run in the sandbox.
    A verifier that raises, or uses up the limits, on an answer makes it incorrect if it can verify the reference.
    """

    seconds: Annotated[float, Field(gt=0, le=600, description="processor time for one answer")] = 3.0
    workers: Annotated[int, Field(ge=1, le=64, description="processes that run the verifiers")] = 2
    longest: Annotated[int, Field(ge=1, description="longer answers, in characters, are incorrect")] = 10_000
    think_end: Annotated[str, Field(description="the closing think tag; empty: all text counts")] = "</think>"

    def __call__(self, problem: Problem, rollouts: Sequence[Rollout], scorer: Scorer | None) -> list[Score]:
        del scorer
        if not set(FACTS) <= set(problem.data):
            return [Score(NAN, "unscored: the problem is none of the task reasoning_gym") for _ in rollouts]
        found = [whole_answer(rollout.text, self.longest, self.think_end) for rollout in rollouts]
        return self.scores(problem, found)

    def scores(self, problem: Problem, found: Sequence[Found]) -> list[Score]:
        """The scores of the answers; equal ones are verified once."""
        reference = json.dumps({name: problem.data[name] for name in FACTS})
        texts = sorted({one.text for one in found if not one.missing})
        if problem.data["dataset"] in EVALUATING:
            sandboxed = grades(problem, texts, self.seconds, self.workers)
            return [score_of(problem.answer, one, sandboxed.get(one.text)) for one in found]
        orders = [Order(reference, text, self.seconds, plain=problem.answer) for text in texts]
        graded = dict(zip(texts, shared_pool(self.workers, SCRIPT).grade(orders), strict=True))
        return [score_of(problem.answer, one, graded.get(one.text)) for one in found]
