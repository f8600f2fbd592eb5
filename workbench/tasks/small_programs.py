"""Small programs from three sides: say what one returns, find what it was given, write one. (AZR, arXiv:2505.03335)"""

from dataclasses import dataclass, replace
from random import Random
from typing import Annotated, Literal

from pydantic import Field

from workbench.kinds import Task
from workbench.problems.programs.asking import KINDS, Kind, Wording, draw_problem, posed
from workbench.problems.programs.drawing import Split
from workbench.problems.programs.traces import solution
from workbench.types import Problem


@dataclass(frozen=True)
class SmallPrograms(Task):
    """Programs of one to eight lines over whole numbers and lists of them, from up to three sides.

    `predict`: program and input are shown, the output is asked for (deduction). `find`: program and output are shown;
    any input that gives it is correct (abduction). `write`: three pairs of input and output are shown, a program is
    asked for that fits three hidden ones as well (induction). `all` draws one of the three. The reward is `by_running`.
    `data["solution"]` is a worked, correct answer: the values on the way, then `answer:`.
    One program in eight is held out, by its text; of programs of one line, one problem in eight.
    """

    asks: Annotated[
        Literal["predict", "find", "write", "all"], Field(description="what is asked; all: any of the three")
    ] = "all"
    lines: Annotated[int, Field(ge=1, le=8, description="a program has one to so many lines")] = 2
    wording: Annotated[Wording, Field(description="short: a word and the program; spoken: a request in English")] = (
        "short"
    )
    seed: Annotated[int, Field(ge=0, le=2**32 - 1, description="problem i is drawn from Random(seed + i)")] = 0

    def problem(self, number: int, split: Split) -> Problem:
        """The problem drawn from `Random(seed + number)`."""
        random = Random(self.seed + number)
        kind: Kind = random.choice(KINDS) if self.asks == "all" else self.asks
        drawn = draw_problem(random, kind, random.randint(1, self.lines), split)
        key = f"small_programs-{kind}-{self.lines}-{split}-{self.seed + number}"
        asked = posed(kind, drawn, key, self.wording)
        return replace(asked, data={**asked.data, "solution": solution(kind, drawn)})
