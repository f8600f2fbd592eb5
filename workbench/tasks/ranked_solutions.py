"""A correct and nine incorrect solutions of every problem, for an exam that grades rewards. RewardMATH, 2410.01729."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Annotated, Any, Literal

from pydantic import Field

from workbench.kinds import Task
from workbench.problems.corruptions import Solution, corrupted
from workbench.tasks.chains import Chain
from workbench.types import Problem

Split = Literal["train", "test"]
CALCULATOR = re.compile(r"<<[^<>]*>>")


@dataclass(frozen=True)
class RankedSolutions(Task):
    r"""Problems of another task with `solutions` in their data: one correct (its place is `correct`), the rest not.

    Data with a list `incorrect`, and a text `correct` or `solution`, are taken as they are: RewardMATH's own, or what
    models wrote. Else the incorrect ones are made by rule (`problems.corruptions`) of the worked solution: that of
    `sums` and `word_problems`, or a column `answer` that ends in `#### number`, as in GSM8K. The order is drawn, so
    that no place is the correct one's.
    """

    asked: Annotated[Task, Field(description="where problems and solutions come from")]
    incorrect: Annotated[int, Field(ge=1, le=99, description="incorrect solutions of each problem")] = 9
    seed: Annotated[int, Field(ge=0, le=2**32 - 1, description="of the corruptions and of the order")] = 0
    end: Annotated[str, Field(description="how a made solution gives its {answer}")] = "answer: {answer}"

    def problem(self, number: int, split: Split) -> Problem:
        found = self.asked.problem(number, split)
        random = Random(f"{self.seed}/{found.key}")
        correct, others = self.solutions(found, random)
        order = [("correct", correct), *others]
        random.shuffle(order)
        data = {"solutions": [text for _, text in order], "kinds": [kind for kind, _ in order]}
        return replace(found, data={**data, "correct": data["kinds"].index("correct")})

    def solutions(self, problem: Problem, random: Random) -> tuple[str, list[tuple[str, str]]]:
        """The correct solution, and the incorrect ones with what they are. ValueError where there are too few."""
        given = problem.data.get("incorrect")
        if isinstance(given, list | tuple):
            correct = problem.data.get("correct", problem.data.get("solution"))
            texts = [str(text) for text in given][: self.incorrect]
            if not isinstance(correct, str) or len(texts) < self.incorrect:
                raise ValueError(
                    f"problem {problem.key} has {len(texts)} incorrect solutions and "
                    f"{'a' if isinstance(correct, str) else 'no'} correct one: it needs `correct`, a text, and "
                    f"`incorrect`, a list of {self.incorrect}"
                )
            return correct, [("given", text) for text in texts]
        found = Solution(worked(problem), problem.answer.replace(",", ""), self.end)
        try:
            return found.text, corrupted(found, self.incorrect, random)
        except ValueError as error:
            raise ValueError(f"problem {problem.key}: {error}") from error

    def size(self, split: Split) -> int | None:
        return self.asked.size(split)

    def check(self) -> list[str]:
        wrong = [f"ranked_solutions.asked: {text}" for text in self.asked.check()]
        if "{answer}" not in self.end:
            wrong.append(f"ranked_solutions.end = {self.end!r}: write {{answer}} where the answer is to stand")
        if wrong:
            return wrong
        size = self.size("test")
        try:
            for number in range(8 if size is None else min(8, size)):
                self.problem(number, "test")
        except ValueError as error:
            return [f"ranked_solutions: {error}"]
        return []

    def place(self, number: int, split: Split) -> str:
        return self.asked.place(number, split)

    def version(self) -> str:
        return self.asked.version()


def worked(problem: Problem) -> tuple[str, ...]:
    """The steps of a problem's correct solution. ValueError where its data have none."""
    data: Mapping[str, Any] = problem.data
    if {"numbers", "operations"} <= data.keys():
        chain = Chain(tuple(data["numbers"]), tuple(data["operations"]))
        parts = zip(
            (chain.numbers[0], *chain.results), chain.operations, chain.numbers[1:], chain.results, strict=False
        )
        return tuple(f"{before} {operation} {number} = {result}" for before, operation, number, result in parts)
    text = data.get("answer")
    if isinstance(text, str) and "####" in text:
        steps = CALCULATOR.sub("", text.rpartition("####")[0]).splitlines()
        return tuple(step.strip() for step in steps if step.strip())
    raise ValueError(
        f"problem {problem.key} has no worked solution: its data need `correct` and `incorrect`, or an `answer` that "
        "ends in #### and the number"
    )
