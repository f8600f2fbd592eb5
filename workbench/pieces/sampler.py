"""Samplers that two or more papers share: which problems a step asks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import Field

from workbench.kinds import Pick, Pool, Sampler, Survey
from workbench.types import Group, State


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


class Around:
    """What a sampler around another one leaves to it: the survey, the state, and what is learned from a step."""

    inner: Sampler

    @property
    def survey(self) -> Survey | None:
        """That of the inner one."""
        return self.inner.survey

    def init(self) -> State:
        """That of the inner one."""
        return self.inner.init()

    def learn(self, state: State, groups: Sequence[Group]) -> State:
        """That of the inner one."""
        return self.inner.learn(state, groups)


@dataclass(frozen=True)
class WithStock(Around, Sampler):
    """Another sampler's problems, and some of the stock in their place, as far as there are so many.

    Those of a step are different ones, each as likely as another.
    """

    source: Annotated[str, Field(min_length=1, description="which problems of the stock, by their source")]
    share: Annotated[float, Field(ge=0, le=1, description="of a step's problems")] = 0.5
    inner: Annotated[Sampler, Field(description="the others")] = Uniform()

    def __call__(self, state: State, pool: Pool) -> tuple[list[Pick], State]:
        stocked = pool.stock.of(self.source)
        count = min(len(stocked), round(self.share * pool.count))
        order = sorted(range(len(stocked)), key=lambda place: pool.uniform(-1 - place))[:count]
        made = [Pick(problem=stocked[place], rollouts=pool.rollouts) for place in order]
        picks, state = self.inner(state, replace(pool, count=pool.count - count))
        return [*made, *picks], state


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
