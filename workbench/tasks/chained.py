"""Chained problems: a number of each problem is the answer of the one before it. R-Horizon, arXiv:2510.08189."""

import functools
import json
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field

from workbench.kinds import Task
from workbench.types import Problem

Split = Literal["train", "test"]
KEY = re.compile(r"(?<![\w.,/^{}\-])[0-9]{1,6}(?![\w.,/%^{}]*[0-9A-Za-z_%/^{}])")  # a whole number that stands alone
WHOLE = re.compile(r"-?[0-9]{1,9}")
OPENING = "Solve these {count} problems one after the other. The answer of a problem is a number of the next one.\n"
CLOSING = "\nGive the {count} answers in the order of the problems, each in its own \\boxed{{}}."


@dataclass(frozen=True)
class Chained(Task):
    r"""`count` problems of another task in one prompt; all answers must be correct (reward `all_boxes`).

    In every problem but the first a whole number v stands for [answer before] + d, with d = v - that answer: nobody can
    solve one without the one before it, unless v can be guessed. Only problems with a whole answer, and a whole
    number in their text, are taken. R-Horizon chooses the number by a language model; here it is the last one of the
    text that stands alone, since the first are often dates and names.
    """

    task: Annotated[Task, Field(description="where the problems come from")]
    count: Annotated[int, Field(ge=2, le=16, description="problems in one prompt")] = 2

    def problem(self, number: int, split: Split) -> Problem:
        links = [self.task.problem(own, split) for own in self.numbers(number, split)]
        for link in links:
            if not suitable(link):
                raise ValueError(
                    f"chained: problem {link.key} has no whole answer ({link.answer!r}) or no whole number in it; "
                    "choose a task of whole numbers"
                )
        texts = [links[0].prompt.strip()]
        for place, (before, link) in enumerate(pairwise(links), start=2):
            texts.append(linked(place, int(before.answer), link))
        parts = "\n".join(f"Problem {place}: {text}" for place, text in enumerate(texts, start=1))
        answers = [link.answer for link in links]
        return Problem(
            key=f"chain-{split}-{number}",
            prompt=OPENING.format(count=self.count) + parts + CLOSING.format(count=self.count),
            answer=", ".join(answers),
            data={"answers": answers, "links": [link.key for link in links]},
        )

    def numbers(self, number: int, split: Split) -> list[int]:
        """The numbers of a chain's problems in the inner task. ValueError beyond the end."""
        first = number * self.count
        if self.task.size(split) is None:
            return list(range(first, first + self.count))
        size = self.size(split)
        assert size is not None
        if not 0 <= number < size:
            raise ValueError(f"problem {number} of the {split} split: it has {size}, numbered from 0")
        return list(usable(self.task, split, self.task.version())[first : first + self.count])

    def size(self, split: Split) -> int | None:
        if self.task.size(split) is None:
            return None
        return len(usable(self.task, split, self.task.version())) // self.count

    def check(self) -> list[str]:
        wrong = [f"chained.task: {error}" for error in self.task.check()]
        if not wrong and self.size("train") == 0:
            wrong = ["chained.task: fewer problems with a whole answer and a whole number than `count`"]
        return wrong

    def version(self) -> str:
        return self.task.version()


def suitable(problem: Problem) -> bool:
    """Whether a problem can be a link: a whole answer, and a whole number in its text.

    >>> suitable(Problem("1", "How many are 3 bags of 4?", "12")), suitable(Problem("1", "How many days?", "12"))
    (True, False)
    """
    return WHOLE.fullmatch(problem.answer) is not None and KEY.search(problem.prompt) is not None


def linked(place: int, before: int, problem: Problem) -> str:
    """A problem's text with its last number written as a variable.

    >>> linked(2, 7, Problem("1", "A box costs 4 dollars. What do 10 boxes cost?", "40"))
    'A box costs 4 dollars. What do [variable2] boxes cost? Here [variable2] = [answer1] + 3.'
    """
    key = list(KEY.finditer(problem.prompt))[-1]
    difference = int(key[0]) - before
    text = f"{problem.prompt[: key.start()]}[variable{place}]{problem.prompt[key.end() :]}".strip()
    sign = "+" if difference >= 0 else "-"
    return f"{text} Here [variable{place}] = [answer{place - 1}] {sign} {abs(difference)}."


@functools.lru_cache(maxsize=16)
def usable_of(table: str, split: Split, version: str) -> tuple[int, ...]:
    """As `usable`, by the task's own fields."""
    del version
    task = Task.parse(json.loads(table))
    return tuple(number for number in range(task.size(split) or 0) if suitable(task.problem(number, split)))


def usable(task: Task, split: Split, version: str) -> tuple[int, ...]:
    """The numbers of a task's problems that can be links; looked for once for each version of its data."""
    return usable_of(json.dumps(task.to_dict()), split, version)
