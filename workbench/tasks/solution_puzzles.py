"""Puzzles made of reference solutions: fill in what is masked, put steps in order. MR-RLVR, arXiv:2511.17473."""

import random
import re
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from workbench.kinds import Task
from workbench.types import Problem

Split = Literal["train", "test"]
FORMULA = re.compile(r"(?<![\w.])\d+(?:[.,]\d+)*(?:[ \t]*[-+*/=][ \t]*\d+(?:[.,]\d+)*)*(?![\w.]*\d)")
FILL = (
    "A question and its solution, in which {count} formulae are masked as [1] to [{count}].\n\n"
    "Question:\n{question}\n\nSolution:\n{solution}\n\n"
    "Give what was masked, in order, parted by semicolons, behind 'answer:'."
)
ORDER = (
    "A question, and the steps of its solution in another order.\n\nQuestion:\n{question}\n\n{steps}\n\n"
    "Give the numbers of the steps in the correct order, parted by semicolons, behind 'answer:'."
)


@dataclass(frozen=True)
class SolutionPuzzles(Task):
    """A puzzle of every problem of another task whose data have a solution: masked formulae, or shuffled steps.

    `both`: even numbers are masked, odd ones shuffled. Steps are the solution's lines. The puzzle of a number is the
    same in every process. A solution with fewer than three steps is masked, one without a formula is shuffled; one with
    neither is an error. The reward is `solution_puzzles`. The paper's first stage; the second is plain RLVR, a fork.
    """

    task: Annotated[Task, Field(description="where the problems come from")]
    puzzle: Annotated[
        Literal["fill", "order", "both"], Field(description="masked formulae, shuffled steps, or both")
    ] = "both"
    column: Annotated[str, Field(min_length=1, description="the column of the data that holds the solution")] = (
        "solution"
    )
    masks: Annotated[int, Field(ge=1, le=16, description="most formulae that are masked")] = 3
    seed: Annotated[int, Field(ge=0, description="of the masks and orders")] = 0

    def problem(self, number: int, split: Split) -> Problem:
        both = self.puzzle == "both"
        inner = self.task.problem(number // 2 if both else number, split)
        steps = [line.strip() for line in str(inner.data.get(self.column) or "").splitlines() if line.strip()]
        draw = random.Random(f"{self.seed}/{split}/{number}/{inner.key}")
        fill = self.puzzle == "fill" or (both and number % 2 == 0)
        formulae = list(FORMULA.finditer("\n".join(steps)))
        if (fill and formulae) or (len(steps) < 3 and formulae):
            chosen = sorted(draw.sample(range(len(formulae)), min(self.masks, len(formulae))))
            again = "" if fill else "-again"  # the second puzzle of a problem may be of the first's kind
            return masked(inner, f"{inner.key}-fill{again}", "\n".join(steps), chosen)
        if len(steps) < 2:
            raise ValueError(
                f"{self.task.place(number // 2 if both else number, split)}: the column {self.column!r} of problem "
                f"{inner.key} holds no solution with a formula or two steps; name its column, or take another task"
            )
        return shuffled(inner, f"{inner.key}-order{'-again' if fill else ''}", steps, draw)

    def size(self, split: Split) -> int | None:
        size = self.task.size(split)
        return size if size is None or self.puzzle != "both" else 2 * size

    def check(self) -> list[str]:
        wrong = [f"solution_puzzles.task: {error}" for error in self.task.check()]
        if not wrong:
            try:
                self.problem(0, "train")
            except ValueError as error:
                wrong.append(f"solution_puzzles: {error}")
        return wrong

    def version(self) -> str:
        return self.task.version()


def masked(inner: Problem, key: str, solution: str, chosen: list[int]) -> Problem:
    """A solution with some of its formulae masked, as a problem with this key."""
    found = [match for place, match in enumerate(FORMULA.finditer(solution)) if place in chosen]
    text, end = "", 0
    for number, match in enumerate(found, start=1):
        text += f"{solution[end : match.start()]}[{number}]"
        end = match.end()
    gold = [match[0] for match in found]
    prompt = FILL.format(count=len(gold), question=inner.prompt.strip(), solution=text + solution[end:])
    return Problem(key, prompt, "; ".join(gold), {"puzzle": "fill", "gold": gold}, "fill")


def shuffled(inner: Problem, key: str, steps: list[str], draw: random.Random) -> Problem:
    """A solution's steps in another order, as a problem with this key; the answer gives their numbers in order."""
    order = list(range(len(steps)))
    while order == sorted(order):
        draw.shuffle(order)
    shown = "\n".join(f"{number}) {steps[place]}" for number, place in enumerate(order, start=1))
    gold = [str(order.index(place) + 1) for place in range(len(steps))]
    prompt = ORDER.format(question=inner.prompt.strip(), steps=shown)
    return Problem(key, prompt, "; ".join(gold), {"puzzle": "order", "gold": gold}, "order")
