r"""Mathematical answers, compared by meaning: 0.5 is \frac{1}{2}, x = 5 is 5, {1, 2} is {2, 1}."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from workbench.kinds import Reward
from workbench.rewards.extraction import OPENING, Extraction, Thinking, Weakest, after_thinking, find_answer, read_box
from workbench.rewards.grading import Verdict, clean, decide
from workbench.rewards.grading_pool import Order, shared_pool
from workbench.types import Judgement, Problem, Rollout, Scorer

NAN = float("nan")


@dataclass(frozen=True)
class Math(Reward):
    r"""1 for a right answer, 0 for a wrong or missing one, nan where it could not be judged.

    The answer is the last `\boxed{}` behind the closing think tag; without a box, what follows the last `####` or
    `answer:`; without either, the last number (`weakest` says how far down this goes). Text, letters of a choice and
    plain numbers are compared directly, all else by Math-Verify (github.com/huggingface/Math-Verify), reference first,
    in processes of its own that are killed when they hang. Not judged: a comparison that ran out of time, and
    references that are empty or no mathematics where the answer is not the same text.
    """

    seconds: Annotated[float, Field(gt=0, le=600, description="time limit for one comparison")] = 3.0
    workers: Annotated[int, Field(ge=1, le=64, description="processes that run Math-Verify")] = 2
    weakest: Annotated[Weakest, Field(description="the least that counts as an answer")] = "number"
    thinking: Annotated[
        Thinking, Field(description="cut: only text behind the thinking counts; required: a closing tag must be there")
    ] = "cut"
    think_end: Annotated[str, Field(description="the closing think tag")] = "</think>"
    longest: Annotated[int, Field(ge=1, description="longer answers, in characters, are wrong")] = 1000

    def __call__(self, problem: Problem, rollouts: Sequence[Rollout], scorer: Scorer | None) -> list[Judgement]:
        del scorer
        found = [self.extract(rollout.text) for rollout in rollouts]
        verdicts = self.compare(problem.answer, sorted({item.text for item in found if not item.missing}))
        return [judgement(item, verdicts) for item in found]

    def extract(self, text: str) -> Extraction:
        """The answer of a text, or why there is none."""
        rest = after_thinking(text, self.think_end, self.thinking)
        found = rest if rest.missing else find_answer(rest.text, self.weakest)
        if len(found.text) > self.longest:
            return Extraction(missing=f"the answer has {len(found.text)} characters, more than longest={self.longest}")
        return found

    def compare(self, reference: str, answers: Sequence[str]) -> dict[str, Verdict]:
        """The verdict on every answer, by its text."""
        boxes = list(OPENING.finditer(reference))
        wanted = clean(read_box(reference, boxes[-1]).text if boxes else reference)
        quick = {answer: decide(wanted, clean(answer)) for answer in answers}
        verdicts = {answer: verdict for answer, verdict in quick.items() if verdict is not None}
        left = [answer for answer in answers if answer not in verdicts]
        if left:
            orders = [Order(wanted, clean(answer), self.seconds) for answer in left]
            verdicts.update(zip(left, shared_pool(self.workers).grade(orders), strict=True))
        return verdicts


def judgement(found: Extraction, verdicts: dict[str, Verdict]) -> Judgement:
    """A verdict as a reward part: what was extracted, from where, and what decided."""
    if found.missing:
        return Judgement(0.0, found.missing, correct=False)
    verdict = verdicts[found.text]
    value = NAN if verdict.correct is None else float(verdict.correct)
    return Judgement(value, f"{verdict.reason} (from: {found.source})", verdict.correct, found.text)
