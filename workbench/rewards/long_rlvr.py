"""LongRLVR: an answer is worth more where the completion names the parts of the context that it rests on."""

import math
import re
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from workbench.kinds import Reward
from workbench.types import Asked, Bench, Problem, Rollout, Score

BLOCK = re.compile(r"<useful_chunks>(.*?)</useful_chunks>", re.DOTALL)
NUMBER = re.compile(r"(?<![\w.-])\d{1,6}(?![\w.])|(?<=CHUNK_)\d{1,6}(?!\w)")
MOST = 4096  # chunks that may be named; a completion that names more has no layout


@dataclass(frozen=True)
class LongRlvr(Reward):
    """a + η F + (1 - η) a F, from 0 to 2. LongRLVR, ICLR 2026, section 3.

    a: 1 where the reward `answer` (a verifier, or one that asks a grader) grades the completion correct; F: the F-score
    with recall weighed `beta` times, of the chunks in the completion's one `<useful_chunks>` block against the column
    `chunks` of the problem's data. A chunk named twice counts twice in the precision. Without exactly one such block
    and one `<answer>` block: 0. An answer that cannot be graded leaves the rollout unscored, where the authors' code
    gives 0.
    """

    answer: Annotated[Reward, Field(description="what grades the answer")]
    column: Annotated[str, Field(description="the column of the data with the numbers of the chunks")] = "chunks"
    beta: Annotated[float, Field(gt=0, description="how much more recall counts than precision")] = 2.0
    eta: Annotated[float, Field(ge=0, le=1, description="what the chunks are worth without a correct answer")] = 0.1

    @property
    def asks(self) -> frozenset[str]:
        return self.answer.asks

    @property
    def groupwise(self) -> bool:  # type: ignore[override]
        """Whether the answer's reward compares the rollouts of a group."""
        return self.answer.groupwise

    def check(self) -> list[str]:
        return [f"long_rlvr.answer: {text}" for text in self.answer.check()]

    def refuses(self, problem: Problem) -> str:
        if not chunks_of(problem.data.get(self.column)):
            return f"its column {self.column!r} names no chunk"
        return self.answer.refuses(problem)

    def __call__(self, problem: Problem, rollouts: Sequence[Rollout], scorer: Bench | None) -> Asked:
        wanted = chunks_of(problem.data.get(self.column))
        if not wanted:
            why = f"unscored: the problem's column {self.column!r} names no chunk"
            return [Score(math.nan, why) for _ in rollouts]
        answers = self.answer(problem, rollouts, scorer)
        if isinstance(answers, Generator):
            answers = yield from answers
        return [self.score(rollout.text, answer, wanted) for rollout, answer in zip(rollouts, answers, strict=True)]

    def score(self, text: str, answer: Score, wanted: frozenset[int]) -> Score:
        """One score, from the grade of the answer and the chunks."""
        named, fault = cited(text)
        if fault:
            return Score(0.0, fault, False, answer.extracted)
        if answer.correct is None:
            return Score(math.nan, f"unscored: the answer is not graded: {answer.reason}")
        found = f_score(named, wanted, self.beta)
        right = float(answer.correct)
        value = right + self.eta * found + (1 - self.eta) * right * found
        told = f"chunks {sorted(set(named))} of {sorted(wanted)}: F {found:.4f}; {answer.reason}"
        return Score(value, told, answer.correct, answer.extracted)


def cited(text: str) -> tuple[list[int], str]:
    """The numbers of the chunks that a completion names, in order, and what is wrong with its layout."""
    for tag in ("useful_chunks", "answer"):
        counts = text.count(f"<{tag}>"), text.count(f"</{tag}>")
        if counts != (1, 1):
            return [], f"<{tag}> stands {counts[0]} times and </{tag}> {counts[1]} times in the text, not once"
    block = BLOCK.search(text)
    if block is None or re.search(r"<answer>.*</answer>", text, re.DOTALL) is None:
        return [], "a block is closed before it is opened"
    named = [int(number) for number in NUMBER.findall(block[1])]
    return (named, "") if len(named) <= MOST else ([], f"more than {MOST} chunks are named")


def chunks_of(value: Any) -> frozenset[int]:
    """The chunks of a column: a list of whole numbers, or a text that holds them."""
    if isinstance(value, str):
        return frozenset(int(number) for number in NUMBER.findall(value))
    if isinstance(value, Sequence):
        return frozenset(int(number) for number in value)
    return frozenset()


def f_score(named: Sequence[int], wanted: frozenset[int], beta: float) -> float:
    """(1 + β²) P Q / (β² P + Q), 0 where nothing is found.

    >>> round(f_score([2, 5, 5, 9], frozenset({2, 5, 7}), 2.0), 3)
    0.625
    """
    found = len(set(named) & wanted)
    if not found:
        return 0.0
    precision, recall = found / len(named), found / len(wanted)
    return (1 + beta**2) * precision * recall / (beta**2 * precision + recall)
