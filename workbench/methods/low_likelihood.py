"""SELF: problems that the most likely completion solves are not trained; there the policy stays near the reference.

Left out: the reference's own solutions, on which the paper restricts the policy: here they are the policy's, which are
the reference's in the first step. How large its coefficient is, the paper's code does not show: a guess.
"""

from dataclasses import dataclass, replace
from typing import Annotated

import torch
from pydantic import Field

from workbench.kinds import Ask, Controller, Orders, Pick, Pool, Reduction, Regulariser, Round, Sampler
from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.pieces.reduction import TokenMean
from workbench.pieces.regulariser import Coefficient
from workbench.pieces.sampler import Around, Uniform
from workbench.types import Batch, Constants, Fact, PerToken, Request, Rollout, State

PROBE = "probe"  # the role of a most likely completion


@dataclass(frozen=True)
class MostLikely(Around, Sampler):
    """Another sampler's problems, asked for their most likely completion only. arXiv:2510.02230."""

    inner: Annotated[Sampler, Field(description="which problems")] = Uniform()

    def __call__(self, state: State, pool: Pool) -> tuple[list[Pick], State]:
        picks, state = self.inner(state, pool)
        probe = Ask(temperature=0.0, role=PROBE, train=False)
        return [replace(pick, rollouts=1, ask=probe) for pick in picks], state


@dataclass(frozen=True)
class AskUnsolved(Controller):
    """Asks the run's rollouts of every problem whose most likely completion is not correct. arXiv:2510.02230.

    With `anchor` a correct one stays, with an advantage of 0, for the loss `stay_near`; else its problem is dropped.
    """

    facts = (Fact("anchor", help="1 for the most likely completion of a solved problem."),)
    anchor: Annotated[bool, Field(description="keep correct most likely completions for the divergence")] = True

    def most_rollouts(self, problems: int, rollouts: int) -> int:
        return problems * (1 + rollouts)

    def __call__(self, state: State, round: Round) -> Orders:
        if round.number > 0:
            return Orders(state=state)
        probes = [group.rollouts[0] for group in round.groups]
        solved = {each.key for each in probes if each.correct == 1}
        for each in probes:
            if each.key in solved and self.anchor:
                each.request = replace(each.request, train=True)
                each.extras |= {"anchor": 1.0, "stored_advantage": [0.0] * len(each.tokens)}
        return Orders(
            [self.ask(each, round) for each in probes if each.key not in solved],
            drop=lambda each: not (self.anchor and each.key in solved),
            state=state,
        )

    def ask(self, probe: Rollout, round: Round) -> Request:
        """The request for a problem's rollouts."""
        known = probe.request
        return round.request(
            problem=known.problem, prompt=known.prompt, group=known.group, n=round.rollouts, pick=known.pick
        )


@dataclass(frozen=True)
class StayNear(Regulariser):
    """Keeps the reference's mass where the most likely completion is correct. arXiv:2510.02230, forward KL.

    loss = coefficient · mean over the tokens of those completions of KL(reference ‖ policy), exact over the vocabulary.
    """

    coefficient: Coefficient = 0.01  # guess
    reduction: Annotated[Reduction | None, Field(description="how tokens are weighed")] = TokenMean()

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"forward_kl"} if self.coefficient else ())

    def settle(self, batch: Batch, advantage: PerToken) -> Constants:
        anchored = (anchors(batch)[:, None] * batch.mask).sum()
        return {"per_anchor": batch.mask.sum() / anchored.clamp(min=1)}

    def __call__(self, batch: Batch) -> PerToken:
        if not self.coefficient:
            return torch.zeros_like(batch.logprob)
        weight = self.coefficient * batch["per_anchor"] * anchors(batch)[:, None]
        return torch.where(weight > 0, weight * batch["forward_kl"], 0.0)


def anchors(batch: Batch) -> torch.Tensor:
    """1 for the completions that hold the policy, [rollout]; 0 without any."""
    return batch["anchor"] if "anchor" in batch else torch.zeros_like(batch.reward)


METHODS = {
    "low_likelihood": derive(
        GRPO,
        title="SELF",
        paper="arXiv:2510.02230",
        equation=r"\mathcal L_{GRPO}\text{ over }\{q:r(q,\mathrm{greedy}_\theta(q))\ne1\}"
        r"+\beta\,\mathrm{KL}(\pi_{ref}\Vert\pi_\theta)\text{ on the others}",
        changes="only problems that the most likely completion does not solve are sampled and trained; on the others a"
        " forward KL keeps what the reference could do",
        regularisers=(StayNear(),),
        sampler=MostLikely(),
        controller=AskUnsolved(),
    )
}
