"""NP-hard problems with a quality: cliques, covers, tours, schedules. NP-Engine, arXiv:2510.16476."""

import zlib
from dataclasses import dataclass
from random import Random
from typing import Annotated, Literal

from pydantic import Field

from workbench.errors import among
from workbench.kinds import Task
from workbench.problems.np_hard.family import Level, families, write_list
from workbench.types import Problem

HELD_OUT = 4  # one instance in four belongs to the test split
LAST_LINE = "\nGive the list between <answer> and </answer>, as in <answer>{example}</answer>."
EXAMPLE = "[2, 0, 5]"


@dataclass(frozen=True)
class NpHard(Task):
    """Instances of one family, drawn by seed, with the value of a heuristic's solution to compare with.

    Families: `bisection`, `clique`, `colouring`, `hamiltonian_cycle`, `independent_set`, `knapsack`, `scheduling`,
    `set_cover`, `subset_sum`, `travelling_salesman`. Easy, medium and hard are the paper's sizes; tiny is below them.
    The reward is `np_hard`, which pays the format and the quality. An instance belongs to one split by its text.
    """

    family: Annotated[str, Field(description="which kind of problem")] = "clique"
    level: Annotated[Level, Field(description="how large the instances are")] = "easy"
    seed: Annotated[int, Field(ge=0, le=2**31, description="problem i is drawn from seed and i")] = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.family not in families():
            raise ValueError(
                f"np_hard.family = {self.family!r}: there is no such family{among(self.family, families())}"
            )

    def problem(self, number: int, split: Literal["train", "test"]) -> Problem:
        family = families()[self.family]
        random = Random(f"{self.family} {self.level} {self.seed + number} {split}")
        while True:
            instance = family.draw(random, random.randint(*family.sizes[self.level]))
            text = family.text(instance)
            if split_of(text) == split:
                break
        solution = family.heuristic(instance, random)
        return Problem(
            key=f"{self.family}-{self.level}-{split}-{self.seed + number}",
            prompt=text + LAST_LINE.format(example=EXAMPLE),
            answer=write_list(solution),
            data={
                "family": self.family,
                "level": self.level,
                "instance": dict(instance),
                "best": family.verify(instance, solution).value,
            },
        )


def split_of(text: str) -> Literal["train", "test"]:
    """The split that an instance belongs to, by its text."""
    return "test" if zlib.crc32(text.encode()) % HELD_OUT == 0 else "train"
