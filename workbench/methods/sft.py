"""SFT: supervised training on the reference traces of the data, in the same trainer; nothing is sampled for it.

Left out: packing of several traces into one row, which changes the speed and not the loss.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field

from workbench.kinds import Advantage, Controller, Orders, Pick, Pool, Round, Sampler, Surrogate
from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.pieces.demonstration import given
from workbench.pieces.reduction import TokenMean
from workbench.pieces.sampler import Uniform
from workbench.types import Batch, Group, PerToken, Problem, Rollout, State

TAG = "reference"


@dataclass(frozen=True)
class Unasked(Sampler):
    """Every problem once an epoch, as `uniform`; no rollouts are sampled: a controller brings completions."""

    def init(self) -> State:
        return Uniform().init()

    def __call__(self, state: State, pool: Pool) -> tuple[list[Pick], State]:
        picks, state = Uniform()(state, pool)
        return [Pick(pick.number, 0) for pick in picks], state


@dataclass(frozen=True)
class Teach(Controller):
    """Brings the reference trace of every problem of the step, followed by the token that ends a completion.

    The trace is `problem.data[solution]`: a text, or a list of texts, of which one is drawn again every time. Rewards
    score it as any completion, so that an incorrect reference shows; it is trained on whatever its reward.
    """

    solution: Annotated[str, Field(description="the column of the data that holds the trace, or several")] = "solution"

    def most_rollouts(self, problems: int, rollouts: int) -> int:
        return problems

    def references(self, problem: Problem) -> Sequence[str]:
        """The traces of a problem; none where its data have none."""
        found = problem.data.get(self.solution)
        texts = [found] if isinstance(found, str) else found if isinstance(found, list | tuple) else []
        return [text for text in texts if isinstance(text, str) and text.strip()]

    def __call__(self, state: State, round: Round) -> Orders:
        if round.number > 0:
            return Orders(state=state)
        return Orders(rollouts=[self.trace(group, round) for group in round.groups], state=state)

    def trace(self, group: Group, round: Round) -> Rollout:
        """A trace of the group's problem as a rollout. ValueError where there is none."""
        texts = self.references(group.problem)
        if not texts:
            raise ValueError(
                f"problem {group.problem.key} has no text in the column {self.solution!r}: name the column with "
                "method.controller.solution, or remove the problem"
            )
        text = texts[int(round.uniform(group.number) * len(texts))]
        tokens = (*round.encoder.answer(text), *round.stop[:1])
        prompt = round.encoder.prompt(group.problem.prompt)
        request = round.request(problem=group.problem, prompt=prompt, group=group.number, tag=TAG)
        return given(request, text, tokens)


@dataclass(frozen=True)
class One(Advantage):
    """1 for every token, whatever the reward."""

    def __call__(self, batch: Batch) -> PerToken:
        return torch.ones_like(batch.logprob)


@dataclass(frozen=True)
class ReferenceLikelihood(Surrogate):
    """The negative log-likelihood of every token, times its advantage. loss = -advantage · logprob"""

    def __call__(self, batch: Batch, ratio: PerToken, advantage: PerToken) -> PerToken:
        return -advantage * batch.logprob


METHODS = {
    "sft": derive(
        GRPO,
        title="SFT",
        paper="supervised fine-tuning; an arm of arXiv:2510.27072",
        equation=r"-\frac1{\sum_i|y_i|}\sum_{i,t}\log\pi(y_{i,t}|x_i,y_{i,<t}),\quad y_i\text{ given}",
        changes="no rollouts: every token of a reference trace is made more likely, all alike",
        advantage=One(),
        surrogate=ReferenceLikelihood(),
        reduction=TokenMean(),
        regularisers=(),
        sampler=Unasked(),
        controller=Teach(),
        group_size=1,
    )
}
