"""Curricula over the task `levels`: which level a step asks, by the step, or by how often the problems were solved."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from workbench.kinds import Pick, Pool, Sampler
from workbench.types import Group, State

Count = Annotated[int, Field(ge=2, le=64, description="levels of the task `levels`")]
Share = Annotated[float, Field(ge=0, le=1)]


def picks_of(state: Mapping[str, Any], pool: Pool, level: int, review: float, levels: int) -> tuple[list[Pick], State]:
    """The next problems of a level, a share of them of the levels below; and the state after them.

    Each level is walked from its start, and again where it ends. ValueError where the pool cannot be split so.
    """
    if pool.size is not None and pool.size % levels:
        raise ValueError(f"the task has {pool.size} problems, which are not {levels} levels of equally many: {REMEDY}")
    following = list(state["following"])
    chosen = []
    for place in range(pool.count):
        low = level and pool.uniform(2 * place) < review
        own = int(pool.uniform(2 * place + 1) * level) if low else level
        number = following[own] * levels + own
        following[own] += 1
        chosen.append(Pick(number if pool.size is None else number % pool.size, pool.rollouts))
    return chosen, {**state, "level": level, "following": following}


REMEDY = "take the task `levels`, and give its sampler as many levels"


def check_levels(groups: Sequence[Group], levels: int) -> None:
    """ValueError where the problems that were asked are not those of the task `levels`, with so many levels."""
    for group in groups:
        pick = group.rollouts[0].request.pick if group.rollouts else -1
        if pick >= 0 and group.problem.source != f"level-{pick % levels}":
            source = group.problem.source or "no source"
            raise ValueError(f"problem {pick} should be of level-{pick % levels} and is of {source}: {REMEDY}")


@dataclass(frozen=True)
class ByStep(Sampler):
    """A curriculum by the step: level k from step `begins[k - 1]` + 1 on.

    With `review` a share of the problems is of a level below, so that nothing is unlearned.
    """

    begins: Annotated[
        tuple[Annotated[int, Field(ge=1)], ...],
        Field(min_length=1, max_length=63, description="the last step of each level but the hardest"),
    ] = (30,)
    review: Annotated[Share, Field(description="share of problems from the levels below")] = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        if list(self.begins) != sorted(set(self.begins)):
            raise ValueError(f"by_step.begins = {list(self.begins)}: give steps in rising order")

    @property
    def levels(self) -> int:
        """How many levels there are."""
        return len(self.begins) + 1

    def init(self) -> State:
        return {"level": 0, "following": [0] * self.levels}

    def __call__(self, state: State, pool: Pool) -> tuple[list[Pick], State]:
        level = sum(pool.step > last for last in self.begins)
        return picks_of(state, pool, level, self.review, self.levels)

    def learn(self, state: State, groups: Sequence[Group]) -> State:
        check_levels(groups, self.levels)
        return state


@dataclass(frozen=True)
class ByRate(Sampler):
    """A curriculum by the ledger: the next level where the last `window` problems of this one are solved often enough.

    rate = successes / attempts over those problems' visits. Above `up` the level rises, below `down` it falls, and the
    counting starts from zero. With `review` a share of the problems is of a level below.
    """

    levels: Count = 3
    up: Annotated[Share, Field(description="rate above which the level rises")] = 0.7
    down: Annotated[Share, Field(description="rate below which it falls")] = 0.05
    window: Annotated[int, Field(ge=1, le=100_000, description="problems of the level that are counted")] = 64
    review: Annotated[Share, Field(description="share of problems from the levels below")] = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.down >= self.up:
            raise ValueError(f"by_rate.down = {self.down}: set it below up = {self.up}")

    def init(self) -> State:
        return {"level": 0, "following": [0] * self.levels, "since": 0, "asked": []}

    def __call__(self, state: State, pool: Pool) -> tuple[list[Pick], State]:
        level, asked, since = state["level"], list(state["asked"]), state["since"]
        rate = rate_of(pool, asked, since) if len(asked) >= self.window else None
        moved = 0 if rate is None else int(rate > self.up) - int(rate < self.down)
        if moved and 0 <= level + moved < self.levels:
            level, asked, since = level + moved, [], pool.step
        picks, after = picks_of(state, pool, level, self.review, self.levels)
        asked += [pick.number for pick in picks if pick.number % self.levels == level]
        return picks, {**after, "since": since, "asked": asked[-max(self.window, pool.count) :]}

    def learn(self, state: State, groups: Sequence[Group]) -> State:
        check_levels(groups, self.levels)
        return state


def rate_of(pool: Pool, numbers: Sequence[int], since: int) -> float | None:
    """The share of successes over the visits of problems from a step on; None where nothing was graded."""
    visits = [visit for number in set(numbers) for visit in pool.ledger.visits(number) if visit.step >= since]
    attempts = sum(visit.attempts for visit in visits)
    return sum(visit.successes for visit in visits) / attempts if attempts else None
