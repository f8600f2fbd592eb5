"""1-shot RLVR: a single problem, chosen by how much its success varied, repeated to fill every step.

The paper's arm without a reward is `surrogate_weight = 0` and a K3 of 0: what is left is the entropy bonus.
"""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from workbench.kinds import Pick, Pool, Sampler
from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.pieces.regulariser import K3, EntropyBonus
from workbench.pieces.sampler import Chosen
from workbench.types import State


def by_variance(histories: Mapping[str, Sequence[int | float]]) -> list[str]:
    """Problems by the deviation of their accuracy over a pilot run's epochs, most varied first; ties keep their order.

    >>> by_variance({"a": [0, 0.5, 1], "b": [0.5, 0.5, 0.5], "c": [0, 1, 0]})
    ['c', 'a', 'b']
    """
    return sorted(histories, key=lambda key: -statistics.pstdev(histories[key]))


@dataclass(frozen=True)
class MostVaried(Sampler):
    """One problem, whose rate of success varied most over its visits, in every pick. arXiv:2504.20571, section 3.

    The visits are those of a pilot: train with another sampler and fork that run, which keeps its ledger. Chosen once.
    """

    visits: Annotated[int, Field(ge=2, description="visits that a problem needs to be chosen")] = 2

    def init(self) -> State:
        return {"chosen": ""}

    def __call__(self, state: State, pool: Pool) -> tuple[list[Pick], State]:
        chosen = state["chosen"] or self.chosen(pool)
        return [Pick(int(chosen), pool.rollouts) for _ in range(pool.count)], {"chosen": chosen}

    def chosen(self, pool: Pool) -> str:
        """The problem's number; ValueError where none was visited often enough."""
        histories = {
            str(number): [visit.rate for visit in pool.ledger.visits(number) if visit.attempts]
            for number in sorted(pool.ledger.key_of)
        }
        enough = {number: rates for number, rates in histories.items() if len(rates) >= self.visits}
        if not enough:
            raise ValueError(
                f"most_varied: no problem was visited {self.visits} times: fork a run that visited its problems, or "
                "name the problem with the sampler chosen"
            )
        return by_variance(enough)[0]


METHODS = {
    "one_shot": derive(
        GRPO,
        title="1-shot RLVR",
        paper="arXiv:2504.20571",
        equation=r"\mathcal L_{clip}+\beta\,\overline{k_3}-\alpha\,\bar H,\quad "
        r"\text{on }\arg\max_q\mathrm{std}_e(s_{q,e})",
        changes="one problem fills every step, and an entropy bonus keeps its completions diverse",
        regularisers=(K3(coefficient=0.001), EntropyBonus(coefficient=0.001)),  # the authors' scripts
        sampler=Chosen(),
    ),
}
