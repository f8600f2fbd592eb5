"""Answers that can be compared as text or as plain numbers: the embedded tasks'."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from workbench.kinds import Reward
from workbench.rewards.extraction import Extraction, after_thinking
from workbench.rewards.numbers import read_number, same_number
from workbench.types import Judgement, Problem, Rollout, Scorer


@dataclass(frozen=True)
class Exact(Reward):
    """1 where the answer is the reference, as text (case and spaces aside) or as a plain number; else 0.

    The answer is the rest of the line behind the last `answer:` (case ignored) after the closing think tag. A missing
    answer is wrong; a problem without reference cannot be judged (nan).
    """

    marker: Annotated[str, Field(min_length=1, description="what stands before the answer")] = "answer:"
    think_end: Annotated[str, Field(description="the closing think tag; empty: all text counts")] = "</think>"

    def __call__(self, problem: Problem, rollouts: Sequence[Rollout], scorer: Scorer | None) -> list[Judgement]:
        del scorer
        return [self.judge(problem.answer, rollout.text) for rollout in rollouts]

    def judge(self, reference: str, text: str) -> Judgement:
        """One answer."""
        if not reference.strip():
            return Judgement(float("nan"), "the problem has no reference answer")
        found = self.extract(text)
        if found.missing:
            return Judgement(0.0, found.missing, correct=False)
        right = same_answer(reference, found.text)
        reason = f"{found.text!r} is right" if right else f"{found.text!r} is not {reference!r}"
        return Judgement(float(right), reason, right, found.text)

    def extract(self, text: str) -> Extraction:
        """The answer of a text, or why there is none."""
        rest = after_thinking(text, self.think_end, "cut")
        if rest.missing:
            return rest
        place = rest.text.lower().rfind(self.marker.lower())
        if place < 0:
            return Extraction(missing=f"no {self.marker!r} in the text")
        line = rest.text[place + len(self.marker) :].split("\n", 1)[0].strip()
        return Extraction(line, "marker") if line else Extraction(missing=f"nothing follows the last {self.marker!r}")


def same_answer(reference: str, answer: str) -> bool:
    """The same text, or the same plain number.

    >>> same_answer("42", " 42. "), same_answer("1200", "$1,200"), same_answer("Blue", "blue"), same_answer("42", "4 2")
    (True, True, True, False)
    """
    wanted, given = read_number(reference), read_number(answer)
    if wanted is not None and given is not None:
        return bool(same_number(wanted, given))
    return plain(reference) == plain(answer)


def plain(text: str) -> str:
    """A text without case, superfluous spaces, and a full stop at its end."""
    return " ".join(text.casefold().split()).rstrip(".").strip()
