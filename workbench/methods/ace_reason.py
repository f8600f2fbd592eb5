"""AceReason-Nemotron: problems that the policy solves often before training are left out; one update a step, no KL.

Set `training.updates = 1`, which makes it strictly on-policy. The curricula are forks: with a larger
`rollouts.max_tokens`, and from a task of mathematics to one of code. Left out: their data.
"""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from workbench.kinds import Pick, Pool, Sampler, Survey
from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.pieces.reduction import TokenMean
from workbench.types import State


@dataclass(frozen=True)
class PassRateCut(Sampler):
    """The problems that are solved at most at a rate before training, each once an epoch. arXiv:2505.16400.

    The rate is that of the ledger when the first step begins: of the survey, or of the run that this one is a fork of.
    Where the cut lies is known second-hand.
    """

    profile: Annotated[int, Field(ge=1, description="rollouts of every problem before training")] = 16  # the paper
    problems: Annotated[int, Field(ge=1, description="how many problems are tried, the first ones")] = 256
    most: Annotated[float, Field(ge=0, lt=1, description="rate above which a problem is left out")] = 0.375  # 6 of 16

    @property
    def survey(self) -> Survey | None:
        return Survey(self.profile, self.problems)

    def init(self) -> State:
        return {"kept": [], "order": []}

    def __call__(self, state: State, pool: Pool) -> tuple[list[Pick], State]:
        kept, order = state["kept"] or self.kept(pool), list(state["order"])
        while len(order) < pool.count:
            draws = len(order) * len(kept)
            order += sorted(kept, key=lambda number: pool.uniform(draws + number))
        picks = [Pick(number, pool.rollouts) for number in order[: pool.count]]
        return picks, {"kept": kept, "order": order[pool.count :]}

    def kept(self, pool: Pool) -> list[int]:
        """The numbers of the problems that are hard enough; ValueError where none is."""
        size = self.problems if pool.size is None else min(self.problems, pool.size)
        rates = pool.ledger.rates(size)
        found = [number for number, rate in enumerate(rates.tolist()) if rate <= self.most]  # nan is not
        if not found:
            raise ValueError(
                f"pass_rate_cut: of {size} problems all are solved more than {self.most:.0%} of the time: take harder "
                "problems, or raise sampler.most"
            )
        return found


METHODS = {
    "ace_reason": derive(
        GRPO,
        title="AceReason-Nemotron",
        paper="arXiv:2505.16400",
        equation=r"\mathcal L_{GRPO},\ \rho=1,\ \beta=0,\ \text{token mean, over }\{q:\hat p_q\le\tfrac{6}{16}\}",
        changes="problems that are solved often before training are left out, and every token weighs the same, so that"
        " long completions carry most of the loss",
        reduction=TokenMean(),
        regularisers=(),
        sampler=PassRateCut(),
    )
}
