"""Pieces that prove the slots: one for each thing a slot must be able to hold, and no paper's.

Importing this file registers them, as a notebook cell would.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field

from workbench.kinds import Advantage, Controller, Filter, Head, Orders, Regulariser, Round, Surrogate, Verdict
from workbench.method import Method
from workbench.ops import group_mean, masked_mean, spread
from workbench.pieces.ratio import TokenRatio
from workbench.pieces.reduction import SequenceMean, TokenMean
from workbench.pieces.surrogate import Clip
from workbench.types import Batch, Constants, Encoder, Group, PerToken, Problem, Request, Rollout, Scalar, State


@dataclass(frozen=True)
class Ranked(Surrogate):
    """Set-wise: the log-sum-exp over all rollouts of how much wrong ones rose and right ones fell."""

    setwise = True

    def __call__(self, batch: Batch, ratio: PerToken, advantage: PerToken) -> Scalar:
        rise = masked_mean(batch.logprob - batch.old_logprob, batch.mask)
        signed = torch.where(batch.correct == 1, -rise, rise)[batch.scored]
        return torch.logsumexp(torch.cat([signed, signed.new_zeros(1)]), 0)


@dataclass(frozen=True)
class Moving(Advantage):
    """Stateful: the reward less an exponential average over the steps before."""

    keep: Annotated[float, Field(ge=0, le=1, description="how much of the old average stays")] = 0.9

    @property
    def over_batch(self) -> bool:
        return True

    def init(self) -> State:
        return {"average": 0.0}

    def __call__(self, batch: Batch) -> PerToken:
        return spread(batch.reward - batch.state["advantage"]["average"], batch.mask)

    def learn(self, state: State, batch: Batch) -> State:
        mean = float(batch.reward[batch.scored].mean())
        return {"average": self.keep * state["average"] + (1 - self.keep) * mean}


@dataclass(frozen=True)
class Fit(Regulariser):
    """With a head: squared error of a learnt number per token against the group's mean reward, settled beforehand."""

    reduction: TokenMean = TokenMean()

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"value"})

    @property
    def heads(self) -> tuple[Head, ...]:
        return (Head("value", hidden=4),)

    def settle(self, batch: Batch, advantage: PerToken) -> Constants:
        return {"target": group_mean(batch.reward, batch.group)}

    def __call__(self, batch: Batch) -> PerToken:
        return (batch["value"] - batch["target"][:, None]).square()


@dataclass(frozen=True)
class Cribbed(Advantage):
    """With a context: tokens count by how much likelier they are once the answer is known."""

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"old_logprob@answer"})

    def contexts(
        self, problem: Problem, rollouts: Sequence[Rollout], encoder: Encoder
    ) -> dict[str, list[tuple[int, ...]]]:
        prompt = encoder.prompt(f"{problem.prompt} (It is {problem.answer}.)")
        return {"answer": [prompt for _ in rollouts]}

    def __call__(self, batch: Batch) -> PerToken:
        known = (batch["old_logprob@answer"] - batch.old_logprob).clamp(-1.0, 1.0)
        return spread(batch.reward - group_mean(batch.reward, batch.group), batch.mask) * (1 + known)


@dataclass(frozen=True)
class Hinted(Controller):
    """Two rounds: a problem that nobody solved is asked again with a hint, and trained as if there had been none."""

    rollouts: Annotated[int, Field(ge=1, description="rollouts of the second round")] = 2

    def init(self) -> State:
        return {"asked": 0}

    def __call__(self, state: State, round: Round) -> Orders:
        if round.number > 0:
            return Orders(state=state)
        lost = [group for group in round.groups if group.accuracy == 0]
        requests = [self.again(group, round) for group in lost]
        dropped = frozenset(group.number for group in lost)
        return Orders(requests, drop_groups=dropped, state={"asked": state["asked"] + len(requests)})

    def again(self, group: Group, round: Round) -> Request:
        """The same problem with a hint before the model and none before the update."""
        bare = group.rollouts[0].request.prompt
        hint = round.encoder.prompt(f"{group.problem.prompt} Hint: {group.problem.answer}")
        return round.request(
            problem=group.problem,
            prompt=hint,
            training_prompt=bare,
            group=round.new_group(),
            n=self.rollouts,
            tag="hinted",
        )


@dataclass(frozen=True)
class Easiest(Filter):
    """Keeps the group that is solved most often and drops the others."""

    def __call__(self, state: State, groups: Sequence[Group]) -> list[Verdict]:
        best = max(group.accuracy for group in groups)
        return ["keep" if group.accuracy == best else "drop" for group in groups]


EXAMPLE = Method(
    title="Example",
    paper="none",
    equation="0",
    changes="it is an example",
    advantage=Moving(),
    ratio=TokenRatio(),
    surrogate=Clip(),
    reduction=SequenceMean(),
)
