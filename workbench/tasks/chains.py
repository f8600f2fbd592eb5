"""Chains of calculations: the arithmetic beneath `sums` and `word_problems`, drawn from a random number generator."""

import zlib
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from typing import Literal

LIMIT = 99  # no number and no result is larger, so that every number has one or two digits
HELD_OUT = 8  # one chain in eight belongs to the test split


@dataclass(frozen=True)
class Chain:
    """Numbers joined by operations, worked from left to right; every result lies between 1 and `LIMIT`.

    Only the first operation may be "*", so that working from left to right agrees with the usual precedence.
    """

    numbers: tuple[int, ...]
    operations: tuple[str, ...]  # one fewer than numbers

    @property
    def results(self) -> tuple[int, ...]:
        """The value after every operation; the last one is the answer.

        >>> Chain((6, 7, 12), ("*", "-")).results
        (42, 30)
        """
        values = [self.numbers[0]]
        for operation, number in zip(self.operations, self.numbers[1:], strict=True):
            values.append(apply(operation, values[-1], number))
        return tuple(values[1:])

    @property
    def text(self) -> str:
        """As it is written down.

        >>> Chain((6, 7, 12), ("*", "-")).text
        '6 * 7 - 12'
        """
        rest = zip(self.operations, self.numbers[1:], strict=True)
        return str(self.numbers[0]) + "".join(f" {operation} {number}" for operation, number in rest)

    @property
    def split(self) -> Literal["train", "test"]:
        """The split it belongs to, whatever the seed and the words around it: the two never share a chain."""
        return "test" if zlib.crc32(self.text.encode()) % HELD_OUT == 0 else "train"

    @property
    def steps(self) -> tuple[str, ...]:
        """One equation for every operation.

        >>> Chain((6, 7, 12), ("*", "-")).steps
        ('6 * 7 = 42', '42 - 12 = 30')
        """
        values = pairwise((self.numbers[0], *self.results))
        joined = zip(values, self.operations, self.numbers[1:], strict=True)
        return tuple(f"{before} {operation} {number} = {after}" for (before, after), operation, number in joined)

    @property
    def solution(self) -> str:
        """Worked step by step, without a slip: a reference trace to train on.

        >>> Chain((6, 7, 12), ("*", "-")).solution
        '6 * 7 = 42. 42 - 12 = 30.\\nanswer: 30'
        """
        return f"{'. '.join(self.steps)}.\nanswer: {self.results[-1]}"


def apply(operation: str, left: int, right: int) -> int:
    """One operation.

    >>> apply("+", 2, 3), apply("-", 7, 3), apply("*", 2, 3)
    (5, 4, 6)
    """
    if operation == "*":
        return left * right
    return left + right if operation == "+" else left - right


def draw(random: Random, level: int, split: Literal["train", "test"]) -> Chain:
    """A chain of `level` operations of the split; one in four begins with a product."""
    while True:
        chain = draw_any(random, level)
        if chain.split == split:
            return chain


def draw_any(random: Random, level: int) -> Chain:
    """A chain of `level` operations, of either split."""
    product = random.random() < 0.25
    numbers = [random.randint(2, 9), random.randint(2, 9)] if product else [random.randint(2, LIMIT - 2)]
    operations = ["*"] if product else []
    value = numbers[0] * numbers[1] if product else numbers[0]
    while len(operations) < level:
        room = {"+": LIMIT - value, "-": value - 1}
        operation = random.choice([name for name, most in room.items() if most >= 2])
        number = random.randint(2, room[operation])
        value = apply(operation, value, number)
        numbers.append(number)
        operations.append(operation)
    return Chain(tuple(numbers), tuple(operations))
