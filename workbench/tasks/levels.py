"""Tasks in order of difficulty as one task, for curricula: which level a step asks is a sampler's choice."""

from dataclasses import dataclass, replace
from typing import Annotated, Literal

from pydantic import Field

from workbench.kinds import Task
from workbench.types import Problem

Split = Literal["train", "test"]


@dataclass(frozen=True)
class Levels(Task):
    """Problem i is of level i mod L, number i // L there; each is its level's own, with the source `level-0`, ….

    The samplers `by_step` and `by_rate` pick by level; any other sampler asks all levels alike. The levels may be one
    task with other fields (`sums`, `np_hard`, `reasoning_gym`) or different tasks. It ends where its smallest level
    ends. Accuracies by level stand apart, as `accuracy.level-1`.
    """

    levels: Annotated[tuple[Task, ...], Field(min_length=2, max_length=64, description="the easiest first")]

    def problem(self, number: int, split: Split) -> Problem:
        size = self.size(split)
        if number < 0 or (size is not None and number >= size):
            raise ValueError(f"problem {number} of the {split} split: it has {size}, numbered from 0")
        own, level = divmod(number, len(self.levels))
        found = self.levels[level].problem(own, split)
        return replace(found, key=f"level-{level}/{found.key}", source=f"level-{level}")

    def size(self, split: Split) -> int | None:
        sizes = [size for task in self.levels if (size := task.size(split)) is not None]
        return min(sizes) * len(self.levels) if sizes else None

    def check(self) -> list[str]:
        return [f"levels.{level}: {text}" for level, task in enumerate(self.levels) for text in task.check()]

    def place(self, number: int, split: Split) -> str:
        own, level = divmod(number, len(self.levels))
        return f"level {level}: {self.levels[level].place(own, split)}"

    def system(self, number: int, split: Split) -> str | None:
        own, level = divmod(number, len(self.levels))
        return self.levels[level].system(own, split)

    def version(self) -> str:
        return "/".join(task.version() for task in self.levels)
