"""NudgeRL: rollouts of a problem follow different strategies; what the better ones do is taught without the strategy.

Left out: strategies written for each problem by another model: data bring them in a column, else general ones are used.
A problem always has one rollout without a strategy at least, where the paper may draw none.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import torch
from pydantic import Field

from workbench.kinds import Advantage, Controller, Orders, Pick, Pool, Reduction, Regulariser, Round, Sampler
from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.ops import group_centre, group_mean, group_std, spread
from workbench.pieces.reduction import SequenceMean
from workbench.pieces.regulariser import Coefficient
from workbench.pieces.sampler import Around, Uniform
from workbench.types import (
    Batch,
    Constants,
    Encoder,
    Fact,
    Group,
    PerRollout,
    PerToken,
    Problem,
    Request,
    Rollout,
    State,
)

TAG = "nudged"
GENERAL = (
    "Work step by step.",
    "Work backwards from what is asked.",
    "Try a simpler case first.",
    "Split it into parts.",
    "Estimate first and check at the end.",
)


@dataclass(frozen=True)
class SomeBare(Around, Sampler):
    """Another sampler's problems; of each rollout a coin says whether it goes without a strategy. arXiv:2605.15726.

    It asks for those without, one at least; the controller `nudge` for the others.
    """

    bare: Annotated[float, Field(ge=0, le=1, description="probability of going without")] = 0.5  # the paper
    inner: Annotated[Sampler, Field(description="which problems")] = Uniform()

    def __call__(self, state: State, pool: Pool) -> tuple[list[Pick], State]:
        picks, state = self.inner(state, pool)
        found = []
        for place, pick in enumerate(picks):
            coins = (pool.uniform(-1 - place * pick.rollouts - turn) for turn in range(pick.rollouts))
            found.append(replace(pick, rollouts=max(1, sum(coin < self.bare for coin in coins))))
        return found, state


@dataclass(frozen=True)
class Nudge(Controller):
    """Asks the rest of each group after the question with a strategy. arXiv:2605.15726.

    A group has the run's `rollouts`, as many for each of `strategies` before those without were drawn. The strategies
    are drawn from `problem.data[column]`, or from `general` where it has none. The fact `context` is the strategy's
    number, from 1.
    """

    facts = (Fact("context", help="number of the strategy that a rollout was asked with; 0: none."),)
    strategies: Annotated[int, Field(ge=1, description="strategies of a problem")] = 2  # the paper
    column: Annotated[str, Field(description="the column of the data that holds a list of strategies")] = "strategies"
    general: Annotated[tuple[str, ...], Field(min_length=1, description="used without that column")] = GENERAL
    wording: Annotated[str, Field(description="how a strategy is shown")] = "{question}\n{strategy}"

    def __call__(self, state: State, round: Round) -> Orders:
        for group in round.groups:
            for rollout in group.rollouts:
                if rollout.request.tag.startswith(TAG):
                    rollout.extras["context"] = float(rollout.request.tag.split()[1])
        if round.number > 0:
            return Orders(state=state)
        return Orders([request for group in round.groups for request in self.ask(group, round)], state=state)

    def ask(self, group: Group, round: Round) -> list[Request]:
        """The requests of a problem's strategies."""
        problem, first = group.problem, 1000 * group.number
        known = [str(each) for each in problem.data.get(self.column) or self.general]
        known = sorted(known, key=lambda each: round.uniform(first + known.index(each)))[: self.strategies]
        slots = sorted(range(round.rollouts), key=lambda slot: round.uniform(first + len(GENERAL) + 100 + slot))
        kept = slots[len(group.rollouts) :]  # the first ones go without
        requests = []
        for number, strategy in enumerate(known, start=1):
            count = sum(slot % len(known) == number - 1 for slot in kept)
            text = self.wording.replace("{question}", problem.prompt).replace("{strategy}", strategy)
            if count:
                requests.append(
                    round.request(
                        problem=problem,
                        prompt=round.encoder.prompt(text),
                        group=group.number,
                        n=count,
                        tag=f"{TAG} {number}",
                    )
                )
        return requests


@dataclass(frozen=True)
class BetweenContexts(Advantage):
    """The reward against its strategy's mean, and that against the problem's, amplified. arXiv:2605.15726.

    a = reward - mean(context) + between · (mean(context) - mean(group)) with a strategy, reward - mean(group) without;
    advantage = (a - mean(a)) / (std(a) + eps) over the group's population. Up to between = 2 a higher reward never has
    the lower advantage.
    """

    between: Annotated[float, Field(ge=0, le=2, description="factor on what strategies differ by (lambda)")] = 1.1
    eps: Annotated[float, Field(gt=0, description="added to the standard deviation")] = 1e-5

    def __call__(self, batch: Batch) -> PerToken:
        own = self.within(batch)
        centred = group_centre(own, batch.group)
        return spread(centred / (group_std(own, batch.group, correction=0) + self.eps), batch.mask)

    def within(self, batch: Batch) -> PerRollout:
        """a, [rollout]; nan where unscored."""
        reward = batch.reward
        plain = group_centre(reward, batch.group)
        if "context" not in batch:
            return plain
        context = batch["context"].long()
        _, place = batch.group.unique(return_inverse=True)
        each = place * (int(context.max()) + 1) + context
        mean = torch.where(reward.isnan(), torch.nan, group_mean(reward, each))
        nudged = group_centre(reward, each) + self.between * group_centre(mean, batch.group)
        return torch.where(context > 0, nudged, plain)


@dataclass(frozen=True)
class TeachBare(Regulariser):
    """Makes what was better more likely after the bare question. arXiv:2605.15726.

    loss = -coefficient · advantage · logprob@bare, without ratio and bound: keep the coefficient small, since what is
    worse is made less likely without end.
    """

    coefficient: Coefficient = 0.1  # the paper
    reduction: Annotated[Reduction | None, Field(description="how tokens are weighed")] = SequenceMean()

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"logprob@bare"} if self.coefficient else ())

    def contexts(
        self, problem: Problem, rollouts: Sequence[Rollout], encoder: Encoder
    ) -> dict[str, list[tuple[int, ...]]]:
        return {"bare": [encoder.prompt(problem.prompt)] * len(rollouts)} if self.coefficient else {}

    def settle(self, batch: Batch, advantage: PerToken) -> Constants:
        return {"taught": advantage}

    def __call__(self, batch: Batch) -> PerToken:
        if not self.coefficient:
            return torch.zeros_like(batch.logprob)
        return -self.coefficient * batch["taught"] * batch["logprob@bare"]


METHODS = {
    "nudge": derive(
        GRPO,
        title="NudgeRL",
        paper="arXiv:2605.15726",
        equation=r"a_i=(R_i-\bar R_{g(i)})+\lambda(\bar R_{g(i)}-\bar R),\quad\mathcal L_{clip}(\cdot|x,g)"
        r"-\kappa\,\overline{A_i\log\pi(y_i|x)}",
        changes="about half of the rollouts are asked with a short strategy; differences between strategies count more,"
        " and a second loss teaches the better completions after the question alone",
        advantage=BetweenContexts(),
        reduction=SequenceMean(),
        regularisers=(TeachBare(),),
        sampler=SomeBare(),
        controller=Nudge(),
    )
}
