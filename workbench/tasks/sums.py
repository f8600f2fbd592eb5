"""Bare calculations: what is 14 + 23 - 9?"""

from dataclasses import dataclass
from random import Random
from typing import Annotated, Literal

from pydantic import Field

from workbench.kinds import Task
from workbench.tasks.chains import draw
from workbench.types import Problem

TEMPLATES = ("What is {}?", "How much is {}?", "Work out {}.", "Calculate {}.")


@dataclass(frozen=True)
class Sums(Task):
    """Sums, differences and products of numbers below 100, worked from left to right."""

    level: Annotated[int, Field(ge=1, le=3, description="how many operations a problem has")] = 2
    seed: Annotated[int, Field(ge=0, le=2**32 - 1, description="problem i is drawn from Random(seed + i)")] = 0

    def problem(self, number: int, split: Literal["train", "test"]) -> Problem:
        """The problem drawn from `Random(seed + number)`."""
        random = Random(self.seed + number)
        chain = draw(random, self.level, split)
        template = random.randrange(len(TEMPLATES))
        return Problem(
            key=f"sums-{self.level}-{split}-{self.seed + number}",
            prompt=TEMPLATES[template].format(chain.text) + "\n",
            answer=str(chain.results[-1]),
            data={
                "level": self.level,
                "template": f"sum {template + 1}",
                "numbers": list(chain.numbers),
                "operations": list(chain.operations),
                "solution": chain.solution,
            },
        )
