"""Samplers that two or more papers share: which problems a step asks."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from workbench.kinds import Pick, Pool, Sampler
from workbench.types import State


@dataclass(frozen=True)
class Uniform(Sampler):
    """Every problem once an epoch, in an order shuffled for each; an endless pool is walked from the start."""

    def init(self) -> State:
        return {"next": 0, "order": []}

    def __call__(self, state: State, pool: Pool) -> tuple[list[Pick], State]:
        if pool.size is None:
            first = state["next"]
            numbers = list(range(first, first + pool.count))
            return [Pick(number, pool.rollouts) for number in numbers], {**state, "next": first + pool.count}
        order, draws = list(state["order"]), 0
        while len(order) < pool.count:
            order += shuffled(pool, draws)
            draws += pool.size
        picks = [Pick(number, pool.rollouts) for number in order[: pool.count]]
        return picks, {"next": state["next"] + pool.count, "order": order[pool.count :]}


def shuffled(pool: Pool, first: int) -> list[int]:
    """The pool's problems in random order, by its uniform numbers from `first` on."""
    assert pool.size is not None
    return sorted(range(pool.size), key=lambda number: pool.uniform(first + number))


@dataclass(frozen=True)
class Chosen(Sampler):
    """Asks the same few problems in turn, each time as a group of its own. arXiv:2504.20571, section 3."""

    numbers: Annotated[tuple[int, ...], Field(min_length=1, description="the problems")] = (0,)

    def init(self) -> State:
        return {"next": 0}

    def __call__(self, state: State, pool: Pool) -> tuple[list[Pick], State]:
        outside = [number for number in self.numbers if number < 0 or (pool.size is not None and number >= pool.size)]
        if outside:
            raise ValueError(f"chosen.numbers = {outside}: the task has problems 0 to {pool.size}; choose among them")
        first, count = state["next"], len(self.numbers)
        picks = [Pick(self.numbers[(first + turn) % count], pool.rollouts) for turn in range(pool.count)]
        return picks, {"next": (first + pool.count) % count}


@dataclass(frozen=True)
class NewestFirst(Sampler):
    """Problems of the stock, as many of every kind: the newest ones, then any, uniformly. arXiv:2505.03335, section 3.

    New is what came in the last `window` steps. A problem may be drawn twice, as in the authors' code. While the stock
    is empty nothing is asked.
    """

    window: Annotated[int, Field(ge=1, description="steps within which a problem is new")] = 1  # the authors' code

    def __call__(self, state: State, pool: Pool) -> tuple[list[Pick], State]:
        kinds = list(dict.fromkeys(each.source for each in pool.stock))
        picks: list[Pick] = []
        for place, kind in enumerate(kinds):
            count = (place + 1) * pool.count // len(kinds) - place * pool.count // len(kinds)
            every, first = pool.stock.of(kind), pool.count * 2 * place
            new = [each for each in every if pool.stock.steps[each.key] >= pool.step - self.window]
            order = sorted(range(len(new)), key=lambda number: pool.uniform(-1 - number))
            chosen = [new[number] for number in order[:count]]
            rest = [pool.uniform(first + number) for number in range(count - len(chosen))]
            chosen += [every[int(number * len(every))] for number in rest]
            picks += [Pick(rollouts=pool.rollouts, problem=each) for each in chosen]
        return picks, state
