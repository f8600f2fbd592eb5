"""sGPO: one pass over the problems before training decides which are trained, in groups of what size, and when.

Left out: nothing is profiled again, as in the paper; its code is not public, and some of its numbers come second-hand.
"""

import math
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from workbench.kinds import Pick, Pool, Sampler, Survey
from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.types import State
from workbench.types.memory import Ledger


@dataclass(frozen=True)
class Profiled(Sampler):
    """Group sizes by the inverse of the first rate of success, small groups first. arXiv:2606.08854.

    rate: of `profile` rollouts before training. Above `trivial` a problem is dropped; at 0 it is kept with probability
    `unsolved`; else its group has 1 / rate rollouts, rounded to the nearest size by logarithm. Phases go through the
    sizes in order, `passes` times each, the unsolved ones mixed in at the phase's size; the last phase is repeated.
    """

    profile: Annotated[int, Field(ge=1, description="rollouts of every problem before training")] = 8
    problems: Annotated[int, Field(ge=1, description="how many problems are profiled, the first ones")] = 256
    trivial: Annotated[float, Field(gt=0, le=1, description="rate above which a problem is dropped")] = 0.75
    unsolved: Annotated[float, Field(ge=0, le=1, description="share of the unsolved problems that is kept")] = 0.1
    sizes: Annotated[tuple[int, ...], Field(min_length=1, description="group sizes, by phase")] = (2, 4, 8)
    passes: Annotated[int, Field(ge=1, description="passes over a phase's problems")] = 1  # paper: to convergence

    @property
    def survey(self) -> Survey | None:
        return Survey(self.profile, self.problems)

    def init(self) -> State:
        return {"phases": [], "phase": 0, "next": 0}

    def __call__(self, state: State, pool: Pool) -> tuple[list[Pick], State]:
        phases = state["phases"] or self.phases(pool)
        place, number, picks = state["phase"], state["next"], list[Pick]()
        while len(picks) < pool.count:
            members = phases[place][1]
            if number >= self.passes * len(members):
                place, number = min(place + 1, len(phases) - 1), 0
                continue
            picks.append(Pick(members[number % len(members)], phases[place][0]))
            number += 1
        return picks, {"phases": phases, "phase": place, "next": number}

    def phases(self, pool: Pool) -> list[list[Any]]:
        """[group size, its problems] of every phase that has some; ValueError where nothing can be trained."""
        rates = first_rates(pool.ledger, self.problems if pool.size is None else min(self.problems, pool.size))
        sizes = {number: self.size_of(rate) for number, rate in rates.items() if 0 < rate <= self.trivial}
        kept = [number for number, rate in rates.items() if rate == 0 and pool.uniform(number) < self.unsolved]
        found = [(size, [*(n for n in sizes if sizes[n] == size), *kept]) for size in self.sizes]
        phases: list[list[Any]] = [[size, members] for size, members in found if members]
        if not phases:
            raise ValueError(
                f"profiled: of {len(rates)} problems none is solved at times and at most {self.trivial:.0%} of the "
                "time: take harder problems, or raise sampler.trivial"
            )
        return phases

    def size_of(self, rate: float) -> int:
        """The group size of a rate.

        >>> [Profiled().size_of(successes / 8) for successes in (6, 4, 3, 2, 1)]
        [2, 2, 2, 4, 8]
        """
        return min(self.sizes, key=lambda size: abs(math.log(size * rate)))


def first_rates(ledger: Ledger, count: int) -> dict[int, float]:
    """The rate of success before training of every problem that was surveyed and graded."""
    first = {number: visits[0] for number in range(count) if (visits := ledger.visits(number))}
    return {number: visit.rate for number, visit in first.items() if visit.step == 0 and visit.attempts}


METHODS = {
    "sgpo": derive(
        GRPO,
        title="sGPO",
        paper="arXiv:2606.08854",
        equation=r"G_q=\mathrm{bucket}(1/\hat p_q),\quad\hat p_q=\tfrac1N\sum_jr_{q,j}\text{ before training}",
        changes="problems are profiled once before training: easy ones are dropped, and the others get groups whose"
        " size is the inverse of their rate of success, the small groups first",
        regularisers=(),
        sampler=Profiled(),
    )
}
