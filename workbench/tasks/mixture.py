"""A mixture of tasks with weights, every problem with the name of its source. SUPERNOVA's mixing, arXiv:2604.08477."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import Annotated, Literal

from pydantic import Field

from workbench.kinds import Task
from workbench.types import Problem

PERIOD = 1000  # problems in which every source has its share, to the nearest thousandth
Split = Literal["train", "test"]


@dataclass(frozen=True)
class Mixture(Task):
    """Problems of several tasks, each source as often as its weight says; it ends where its first source ends.

    A problem is the source's own, with the source's name: metrics tell sources apart (`accuracy.NAME`), and the reward
    `by_source` scores each with a reward of its own. In every 1,000 problems the shares are those of the weights, to
    the nearest thousandth. `micro_mix` chooses sources from small runs, as SUPERNOVA does.
    """

    tasks: Annotated[Mapping[str, Task], Field(min_length=1, description="the sources, by name")]
    weights: Annotated[
        Mapping[str, Annotated[float, Field(gt=0)]], Field(description="by source, above 0; left out: 1")
    ] = field(default_factory=dict)
    seed: Annotated[int, Field(ge=0, le=2**32 - 1, description="of the order of the sources")] = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        unknown = sorted(set(self.weights) - set(self.tasks))
        if unknown:
            raise ValueError(
                f"mixture.weights: {unknown[0]!r} is none of the sources ({', '.join(self.tasks)}); correct the name"
            )
        few = [name for name, count in zip(self.tasks, counts(self.shares), strict=True) if not count]
        if few:
            raise ValueError(f"mixture.weights: {few[0]!r} has less than a thousandth of all; raise its weight")

    @property
    def shares(self) -> tuple[float, ...]:
        """The weights of all sources, in their order."""
        return tuple(float(self.weights.get(name, 1.0)) for name in self.tasks)

    def problem(self, number: int, split: Split) -> Problem:
        name, own = self.source(number, split)
        found = self.tasks[name].problem(own, split)
        return replace(found, key=f"{name}/{found.key}", source=name)

    def source(self, number: int, split: Split) -> tuple[str, int]:
        """The name of a problem's source, and the problem's number there. ValueError beyond the end."""
        size = self.size(split)
        if size is not None and not 0 <= number < size:
            raise ValueError(f"problem {number} of the {split} split: it has {size}, numbered from 0")
        return self.at(number)

    def at(self, number: int) -> tuple[str, int]:
        """As `source`, without a look at the end."""
        pattern, ranks = order(self.shares, self.seed)
        turn, place = divmod(number, PERIOD)
        source = pattern[place]
        return list(self.tasks)[source], turn * pattern.count(source) + ranks[place]

    def size(self, split: Split) -> int | None:
        sizes = {name: task.size(split) for name, task in self.tasks.items()}
        ends = [self.first_beyond(name, size) for name, size in sizes.items() if size is not None]
        return min(ends, default=None)

    def first_beyond(self, name: str, size: int) -> int:
        """The first number of the mixture whose problem the source does not have."""
        pattern, ranks = order(self.shares, self.seed)
        source = list(self.tasks).index(name)
        turn, rank = divmod(size, pattern.count(source))
        place = next(place for place in range(PERIOD) if pattern[place] == source and ranks[place] == rank)
        return turn * PERIOD + place

    def check(self) -> list[str]:
        return [f"mixture.tasks.{name}: {error}" for name, task in self.tasks.items() for error in task.check()]

    def place(self, number: int, split: Split) -> str:
        name, own = self.source(number, split)
        return f"{name}: {self.tasks[name].place(own, split)}"

    def system(self, number: int, split: Split) -> str | None:
        name, own = self.source(number, split)
        return self.tasks[name].system(own, split)

    def version(self) -> str:
        return " ".join(task.version() for task in self.tasks.values())


@functools.lru_cache(maxsize=64)
def order(shares: tuple[float, ...], seed: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The source at every place of a period, and how many of the same source are before it."""
    pattern = [source for source, count in enumerate(counts(shares)) for _ in range(count)]
    Random(seed).shuffle(pattern)
    seen = [0] * len(shares)
    ranks = []
    for source in pattern:
        ranks.append(seen[source])
        seen[source] += 1
    return tuple(pattern), tuple(ranks)


def counts(shares: tuple[float, ...]) -> list[int]:
    """How many places of a period each source has: its share rounded down, the rest to the largest remainders.

    >>> counts((1.0, 1.0, 1.0)), counts((3.0, 1.0))
    ([334, 333, 333], [750, 250])
    """
    exact = [PERIOD * share / sum(shares) for share in shares]
    found = [int(each) for each in exact]
    by_rest = sorted(range(len(shares)), key=lambda source: found[source] - exact[source])
    for source in by_rest[: PERIOD - sum(found)]:
        found[source] += 1
    return found


def micro_mix(scores: Mapping[str, Mapping[str, float]], top: int = 2) -> dict[str, float]:
    """SUPERNOVA's choice: for every target the best sources by small runs; weight 1 for each that is chosen.

    `scores[target][source]`: the target's score after a small run on the source. Equal scores: the first by name.

    >>> micro_mix({"logic": {"a": 0.3, "b": 0.5, "c": 0.1}, "maths": {"a": 0.2, "b": 0.1, "c": 0.4}}, top=1)
    {'b': 1.0, 'c': 1.0}
    """
    chosen = {
        source
        for by_source in scores.values()
        for source in sorted(by_source, key=lambda each: (-by_source[each], each))[:top]
    }
    return dict.fromkeys(sorted(chosen), 1.0)
