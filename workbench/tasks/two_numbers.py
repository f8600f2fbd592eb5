"""Two numbers, in plain English: "What is 4 + 9? Answer with the number only.", or a story of two sentences.

For small real models, which know such sums and mostly do not say them: they explain, repeat the question, or drift.
"""

import zlib
from dataclasses import dataclass
from random import Random
from typing import Annotated, Literal

from pydantic import Field

from workbench.kinds import Task
from workbench.types import Problem

HELD_OUT = 5  # one pair of numbers in five belongs to the test split
INSTRUCTION = "Answer with the number only."
NAMES = ("Tom", "Mia", "Ben", "Lily", "Sam", "Ava")
THINGS = ("apples", "marbles", "books", "coins", "stamps", "cards")
QUESTIONS = ("What is {left} {operation} {right}?", "How much is {left} {operation} {right}?")
STORIES: dict[str, tuple[str, ...]] = {
    "+": (
        "{name} has {left} {things}. {name} buys {right} more. How many {things} does {name} have now?",
        "There are {left} {things} on the table and {right} {things} in the box. How many {things} are there?",
        "{name} has {left} {things} and {friend} has {right}. How many {things} do they have together?",
    ),
    "-": (
        "{name} has {left} {things}. {name} gives {right} to {friend}. How many {things} does {name} have left?",
        "There are {left} {things} in the box. {name} takes {right} out. How many {things} are still in the box?",
        "{name} has {left} {things} and {friend} has {right}. How many more {things} does {name} have?",
    ),
}


@dataclass(frozen=True)
class TwoNumbers(Task):
    """Sums and differences of two numbers, bare or in a story; no difference is below 1.

    Every pair of numbers belongs to one split, in either order and whatever the words around it: a held-out problem is
    one whose numbers no training problem had together.
    """

    form: Annotated[Literal["sums", "stories", "both"], Field(description="bare sums, stories, or half of each")] = (
        "both"
    )
    operations: Annotated[Literal["+", "-", "+-"], Field(description="which operations are asked")] = "+-"
    least: Annotated[int, Field(ge=1, le=999, description="smallest number")] = 1
    largest: Annotated[int, Field(ge=9, le=999, description="largest number; `least` must be 8 or more below it")] = 20
    instruction: Annotated[str, Field(description="what stands behind the question; empty: nothing")] = INSTRUCTION
    seed: Annotated[int, Field(ge=0, description="problem i is drawn from Random(seed + i)")] = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.largest < self.least + 8:
            raise ValueError(
                f"two_numbers.least = {self.least} and largest = {self.largest} leave too few pairs for two splits: "
                f"set largest to {self.least + 8} or more"
            )

    def problem(self, number: int, split: Literal["train", "test"]) -> Problem:
        """The problem drawn from `Random(seed + number)`."""
        random = Random(self.seed + number)
        operation = random.choice(self.operations)
        left, right = draw(random, self, operation, split)
        story = self.form == "stories" or (self.form == "both" and random.random() < 0.5)
        templates = STORIES[operation] if story else QUESTIONS
        template = random.randrange(len(templates))
        name, friend = random.sample(NAMES, 2)
        words = {"name": name, "friend": friend, "things": random.choice(THINGS), "operation": operation}
        question = templates[template].format(left=left, right=right, **words)
        return Problem(
            key=f"two_numbers-{self.form}-{self.least}-{self.largest}-{split}-{self.seed + number}",
            prompt=f"{question} {self.instruction}".strip(),
            answer=str(left + right if operation == "+" else left - right),
            data={
                "template": f"{'story' if story else 'sum'} {operation} {template + 1}",
                "numbers": [left, right],
                "operations": [operation],
            },
        )


def draw(random: Random, task: TwoNumbers, operation: str, split: Literal["train", "test"]) -> tuple[int, int]:
    """Two numbers of the split; of a difference the larger one first."""
    while True:
        left, right = random.randint(task.least, task.largest), random.randint(task.least, task.largest)
        if split_of(left, right) == split and (operation == "+" or left != right):
            return (left, right) if operation == "+" else (max(left, right), min(left, right))


def split_of(left: int, right: int) -> Literal["train", "test"]:
    """The split that a pair of numbers belongs to.

    >>> split_of(4, 9) == split_of(9, 4)
    True
    """
    pair = f"{min(left, right)} {max(left, right)}".encode()
    return "test" if zlib.crc32(pair) % HELD_OUT == 0 else "train"
