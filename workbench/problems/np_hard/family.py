"""What a family of NP-hard problems is: instances, their texts, the value of a solution, and how good it is."""

import functools
import importlib
import pkgutil
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, ClassVar, Literal

Instance = Mapping[str, Any]  # plain data: numbers, lists and tables of them
Solution = tuple[int, ...]
Level = Literal["tiny", "easy", "medium", "hard"]
Sizes = Mapping[Level, tuple[int, int]]  # smallest and largest
LONGEST = 1000  # numbers of a list
LIST = re.compile(r"\[?\s*-?[0-9]{1,6}(?:\s*,\s*-?[0-9]{1,6})*\s*\]?")


@dataclass(frozen=True)
class Verdict:
    """The value of a feasible solution; without one, `fault` says what it breaks."""

    value: float | None = None
    fault: str = ""


class Family(ABC):
    """A kind of problem; its answers are lists of whole numbers, `-1` and up."""

    goal: ClassVar[Literal["most", "least", "any"]]  # what makes a value good; any: every solution is as good
    sizes: ClassVar[Sizes]  # nodes, things, places, …

    @abstractmethod
    def draw(self, random: Random, size: int) -> Instance:
        """An instance that has a solution."""

    @abstractmethod
    def text(self, instance: Instance) -> str:
        """The problem in words, with what the list of the answer must be."""

    @abstractmethod
    def verify(self, instance: Instance, solution: Solution) -> Verdict:
        """The value of a solution, or what it breaks."""

    @abstractmethod
    def heuristic(self, instance: Instance, random: Random) -> Solution:
        """A good solution, always feasible."""

    def quality(self, value: float, best: float) -> float:
        """A feasible value against the heuristic's, in (0, 1]; 1 where it is as good or better."""
        if self.goal == "any" or value == best:
            return 1.0
        ratio = value / best if self.goal == "most" else best / value
        return min(1.0, max(0.0, ratio))


@functools.cache
def families() -> Mapping[str, Family]:
    """Every family of the folder, by the name of its file."""
    package = importlib.import_module("workbench.problems.np_hard")
    modules = {
        item.name: importlib.import_module(f"{package.__name__}.{item.name}")
        for item in pkgutil.iter_modules(package.__path__)
    }
    return {name: module.FAMILY for name, module in sorted(modules.items()) if "FAMILY" in vars(module)}


def read_list(text: str) -> Solution | None:
    """A list of whole numbers with commas between, in brackets or bare; None for everything else.

    >>> read_list("[3, 1,2]"), read_list("0, -1"), read_list("[3, 1"), read_list("1 2"), read_list("[]")
    ((3, 1, 2), (0, -1), None, None, None)
    """
    text = text.strip()
    if not LIST.fullmatch(text) or text.startswith("[") != text.endswith("]") or text.count(",") >= LONGEST:
        return None
    return tuple(int(number) for number in re.findall(r"-?[0-9]+", text))


def write_list(numbers: Iterable[int]) -> str:
    """A solution as it is written in an answer."""
    return "[" + ", ".join(map(str, numbers)) + "]"


def not_a_choice(solution: Solution, size: int, what: str) -> str:
    """What keeps a list from being a non-empty choice among `size` things, each at most once; empty if nothing does.

    >>> not_a_choice((0, 2, 2), 3, "node"), not_a_choice((0, 3), 3, "node"), not_a_choice((2, 0), 3, "node")
    ('node 2 stands twice in the list', 'there is no node 3', '')
    """
    if not solution:
        return "the list is empty"
    for place, number in enumerate(solution):
        if not 0 <= number < size:
            return f"there is no {what} {number}"
        if number in solution[:place]:
            return f"{what} {number} stands twice in the list"
    return ""
