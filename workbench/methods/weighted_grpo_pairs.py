"""Weighted GRPO on a pair: a hard problem's rare successes and an easy one's rare failures fill every step."""

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from pydantic import Field

from workbench.kinds import Advantage, Pick, Pool, Sampler, Survey
from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.pieces.advantage import GroupCentre, GroupZ
from workbench.pieces.sampler import Chosen
from workbench.types import Batch, PerToken, State


@dataclass(frozen=True)
class UnevenZ(Advantage):
    """A group's standardised reward whose negative side is weighed. arXiv:2602.03452.

    reading "after": weight · A where A < 0; "centred": (1 + weight) · (reward - mean), which is the centred reward of
    a map to 1 and -weight.
    Mapping the reward before standardising, as the abstract says, would cancel: it is an affine map.
    """

    weight: Annotated[float, Field(gt=0, description="of failures against successes (lambda)")] = 1.0  # a guess
    reading: Annotated[Literal["after", "centred"], Field(description="where the weight enters")] = "after"
    eps: Annotated[float, Field(gt=0, description="added to the standard deviation")] = 1e-6  # GRPO's

    def __call__(self, batch: Batch) -> PerToken:
        if self.reading == "centred":
            return (1 + self.weight) * GroupCentre()(batch)
        standard = GroupZ(eps=self.eps)(batch)
        return torch.where(standard < 0, self.weight * standard, standard)


@dataclass(frozen=True)
class RarePair(Sampler):
    """A hard problem that is solved at times, and an easy one that is not always, chosen once. arXiv:2602.03452.

    By a survey: of all that are solved at times the one with the lowest rate; of all with a rate from 1 - reach / G to
    1 - 1 / G, G the run's group size, the one with the highest. Ties go to the first. The two are asked in turn.
    """

    profile: Annotated[int, Field(ge=2, description="rollouts of every problem before training")] = 16
    problems: Annotated[int, Field(ge=2, description="problems to choose from, the first ones")] = 256
    reach: Annotated[float, Field(ge=1, description="how many failures of a group an easy problem may have (c)")] = 2.0

    @property
    def survey(self) -> Survey | None:
        return Survey(self.profile, self.problems)

    def init(self) -> State:
        return {"pair": [], "next": 0}

    def __call__(self, state: State, pool: Pool) -> tuple[list[Pick], State]:
        pair = state["pair"] or self.chosen(pool)
        picks = [Pick(pair[(state["next"] + turn) % 2], pool.rollouts) for turn in range(pool.count)]
        return picks, {"pair": pair, "next": (state["next"] + pool.count) % 2}

    def chosen(self, pool: Pool) -> list[int]:
        """The two problems; ValueError where the survey has none of a kind."""
        size = self.problems if pool.size is None else min(self.problems, pool.size)
        rates = {number: float(rate) for number, rate in enumerate(pool.ledger.rates(size)) if rate == rate}
        low, high = 1 - self.reach / pool.rollouts, 1 - 1 / pool.rollouts
        hard = [number for number, rate in rates.items() if 0 < rate < 1]
        easy = [number for number, rate in rates.items() if low <= rate <= high]
        if not hard or not easy:
            raise ValueError(
                f"rare_pair: of {len(rates)} problems {len(hard)} are solved at times, and {len(easy)} in {low:.0%} to "
                f"{high:.0%} of their rollouts: raise sampler.profile, sampler.problems or sampler.reach"
            )
        return [min(hard, key=lambda number: rates[number]), max(easy, key=lambda number: rates[number])]


METHODS = {
    "weighted_grpo_pairs": derive(
        GRPO,
        title="Weighted GRPO on a pair",
        paper="arXiv:2602.03452",
        equation=r"A_i=\frac{R_i-\bar R}{\mathrm{std}(R)+\epsilon}\cdot\begin{cases}1&R_i>\bar R\\"
        r"\lambda&R_i<\bar R\end{cases}\quad\text{on }\{q^+,q^-\}",
        changes="two problems fill every step: a hard one for its rare correct rollouts, an easy one for its rare"
        " incorrect ones",
        advantage=UnevenZ(),
        regularisers=(),
        sampler=Chosen(numbers=(0, 1)),  # to be set: a hard problem that is sometimes solved, an easy one that is not
    )
}
