"""Samplers that two or more papers share: which problems a step asks."""

from dataclasses import dataclass

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
