r"""Mathematical answers, compared by meaning: 0.5 is \frac{1}{2}, x = 5 is 5, {1, 2} is {2, 1}, 5 km are 5000 m."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from workbench.kinds import Reward
from workbench.rewards.grading.algebra import Algebra, Grade
from workbench.rewards.grading.compare import grade
from workbench.rewards.grading.ends import Found
from workbench.rewards.grading.find import Thinking, Weakest, after_thinking, find_answer
from workbench.rewards.grading.pool import Order, shared_pool
from workbench.rewards.grading.scores import reference_of, score_of, shortest
from workbench.rewards.grading.typography import balanced, clean
from workbench.types import Problem, Rollout, Score, Scorer


@dataclass(frozen=True)
class Math(Reward):
    r"""1 for a correct answer, 0 for an incorrect or missing one, nan where it is unscored.

    The answer stands behind the closing think tag: in the last `<answer>` tags, else in the last `\boxed{}`, else
    behind the last `####`, `answer:` or `the answer is`, else it is the last number (`weakest` says how far down this
    goes). Numbers, quantities with units, times, dates, choices, words, intervals, sets and orderings are compared
    here; formulas by Math-Verify (github.com/huggingface/Math-Verify), reference first, in processes of its own with
    limits of processor time and memory. Incorrect are also: several answers for one, the task restated (`144/12` for
    12), and whatever uses up the limits. Unscored are references that are empty or no mathematics where the answer is
    not the same text.
    """

    seconds: Annotated[float, Field(gt=0, le=600, description="processor time for one comparison")] = 3.0
    workers: Annotated[int, Field(ge=1, le=64, description="processes that run Math-Verify")] = 2
    weakest: Annotated[Weakest, Field(description="the least that counts as an answer")] = "number"
    thinking: Annotated[
        Thinking, Field(description="cut: only text behind the thinking counts; required: a closing tag must be there")
    ] = "cut"
    think_end: Annotated[str, Field(description="the closing think tag")] = "</think>"
    longest: Annotated[int, Field(ge=1, description="longer answers, in characters, are incorrect")] = 1000

    def __call__(self, problem: Problem, rollouts: Sequence[Rollout], scorer: Scorer | None) -> list[Score]:
        del scorer
        reference = reference_of(problem.answer)
        found = [self.extract(rollout.text) for rollout in rollouts]
        grades = self.compare(reference, sorted({item.text for item in found if not item.missing}))
        return [score_of(reference, item, grades.get(item.text)) for item in found]

    def refuses(self, problem: Problem) -> str:
        reference = reference_of(problem.answer)
        if not reference.strip():
            return ""  # a missing reference is told where the data are read
        if balanced(clean(reference)):  # then only the text is looked at, since formulas cost a process's time
            decided = grade(reference, "0", Algebra(available=False))
        else:
            decided = self.compare(reference, ["0"])["0"]
        return decided.rule if decided.correct is None else ""

    def extract(self, text: str) -> Found:
        """The answer of a text, or why there is none."""
        rest = after_thinking(text, self.think_end, self.thinking)
        return shortest(rest if rest.missing else find_answer(rest.text, self.weakest), self.longest)

    def compare(self, reference: str, answers: Sequence[str]) -> dict[str, Grade]:
        """The grade of every answer, by its text; formulas of all of them are compared together."""
        algebra = Algebra()
        grades = {answer: grade(reference, answer, algebra) for answer in answers}
        if algebra.asked:
            pairs = list(dict.fromkeys(algebra.asked))
            orders = [Order(*pair, self.seconds) for pair in pairs]
            algebra = Algebra(dict(zip(pairs, shared_pool(self.workers).grade(orders), strict=True)), available=False)
            grades = {answer: grade(reference, answer, algebra) for answer in answers}
        return grades
