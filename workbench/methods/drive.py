"""DRIVE, second stage: only the hardest problems, with many rollouts, and of these ever fewer.

Left out: the first stage (many problems, few rollouts): fork a GRPO run with this method; and the tests of programs.
"""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from workbench.kinds import Pick, Pool, Sampler, Survey
from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.types import State
from workbench.types.memory import Ledger

Counts = tuple[int, ...]


@dataclass(frozen=True)
class ShrinkingHardest(Sampler):
    """Phases, each with the problems of the last that were solved least often. arXiv:2511.06307, section 3.2.

    The first phase chooses by a survey, the others by the visits since the phase before began. The last one is
    repeated.
    """

    sizes: Annotated[Counts, Field(min_length=1, description="problems of each phase")] = (72, 50, 25)  # the paper
    steps: Annotated[Counts, Field(min_length=1, description="steps of each phase; the last continues")] = (64, 32, 32)
    profile: Annotated[int, Field(ge=1, description="rollouts of every problem before training")] = 8
    problems: Annotated[int, Field(ge=1, description="problems to choose from, the first ones")] = 175  # the paper

    @property
    def survey(self) -> Survey | None:
        return Survey(self.profile, self.problems)

    def init(self) -> State:
        return {"phase": -1, "since": 0, "members": [], "next": 0}

    def __call__(self, state: State, pool: Pool) -> tuple[list[Pick], State]:
        found = dict(state)
        phases = min(len(self.sizes), len(self.steps))
        if found["phase"] < 0:
            known = range(self.problems if pool.size is None else min(self.problems, pool.size))
            found = self.phase(found, list(known), pool)
        elif found["phase"] + 1 < phases and pool.step - found["since"] >= self.steps[found["phase"]]:
            found = self.phase(found, found["members"], pool)
        members, first = found["members"], found["next"]
        picks = [Pick(members[(first + turn) % len(members)], pool.rollouts) for turn in range(pool.count)]
        return picks, {**found, "next": (first + pool.count) % len(members)}

    def phase(self, state: State, known: list[int], pool: Pool) -> dict[str, Any]:
        """The state at the beginning of the next phase: of the known problems those with the lowest rates."""
        number = state["phase"] + 1
        order = sorted(known, key=lambda problem: rate_since(pool.ledger, problem, state["since"]))
        return {"phase": number, "since": pool.step, "members": sorted(order[: self.sizes[number]]), "next": 0}


def rate_since(ledger: Ledger, problem: int, step: int) -> float:
    """A problem's rate of success from a step on; over all visits where there is none since, 0 without any."""
    visits = [visit for visit in ledger.visits(problem) if visit.step >= step and visit.attempts]
    attempts = sum(visit.attempts for visit in visits)
    rate = sum(visit.successes for visit in visits) / attempts if attempts else ledger.rate(problem)
    return rate if rate == rate else 0.0


METHODS = {
    "drive": derive(
        GRPO,
        title="DRIVE, second stage",
        paper="arXiv:2511.06307",
        equation=r"S_{k+1}=\text{the }m_{k+1}\text{ problems of }S_k\text{ with the lowest }\hat p",
        changes="only the problems that are solved least often are trained, with many rollouts each, and their number"
        " shrinks in phases",
        regularisers=(),
        sampler=ShrinkingHardest(),
    )
}
