"""RECAP: general problems are replayed beside the reasoning ones, and the objective that gets worse weighs more."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field

from workbench.kinds import Controller, Orders, Reduction, Round, Surrogate, Task
from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.ops import batch_mean
from workbench.pieces.demonstration import end_of_answer, given
from workbench.pieces.off_policy import foreign
from workbench.pieces.surrogate import Clip, High, Low
from workbench.types import Batch, PerToken, State

TAG = "replayed"
REASONING = "reasoning"
REPLAY = "replay"


@dataclass(frozen=True)
class Replay(Controller):
    """Adds problems of another task with their solutions to every step. arXiv:2510.21978.

    They are drawn uniformly from the task's training problems; `problem.data[solution]` is trained, or the reference
    answer. Without a task nothing is replayed.
    """

    task: Annotated[Task | None, Field(description="where the general problems come from")] = None
    count: Annotated[int, Field(ge=1, description="problems a step")] = 4  # a guess
    solution: Annotated[str, Field(description="the column of the data that holds the completion")] = "solution"

    @property
    def idle(self) -> str:
        """Why it does nothing, if it has no task."""
        return "" if self.task else "has no task to replay, and what is left is GRPO: set controller = { task = … }"

    def __call__(self, state: State, round: Round) -> Orders:
        if round.number > 0 or self.task is None:
            return Orders(state=state)
        size, end, added = self.task.size("train"), end_of_answer(round), []
        for turn in range(self.count):
            number = int(round.uniform(turn) * (size or 2**31))
            problem = self.task.problem(number, "train")
            text = str(problem.data.get(self.solution) or problem.answer)
            prompt = round.encoder.prompt(problem.prompt)
            request = round.request(problem=problem, prompt=prompt, group=round.new_group(), tag=TAG)
            added.append(given(request, text, (*round.encoder.answer(text), *end)))
        return Orders(rollouts=added, state=state)


@dataclass(frozen=True)
class PerObjective(Reduction):
    """Every token of an objective weighs the same: 1 / its tokens; own tokens are one, off-policy ones the other."""

    def __call__(self, batch: Batch, advantage: PerToken) -> PerToken:
        marked = foreign(batch)
        own = (batch.mask & ~marked).sum()
        return torch.ones_like(advantage) / torch.where(marked, marked.sum(), own).clamp(min=1)


@dataclass(frozen=True)
class Rebalanced(Surrogate):
    """PPO's clipped objective for own tokens, -logprob for off-policy ones, each weighed. arXiv:2510.21978.

    Of each of K objectives two windows of values are kept, with means before and now, deviation std of the latter:
    score = now / before + std / (now + before), weight = softmax(score / temperature), which is the paper's K · softmax
    over K. Reasoning is tracked as 1 - mean correctness, replay as its mean -old_logprob; an objective that is absent
    takes no part. All weigh the same until every one has two windows.
    """

    low: Low = 0.2
    high: High = 0.2
    window: Annotated[int, Field(ge=2, description="steps of a window; the paper's is not known")] = 10  # guess
    temperature: Annotated[float, Field(gt=0, description="of the softmax; lower steers harder")] = 5.0  # summaries

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"old_logprob"})

    def init(self) -> State:
        return {REASONING: [], REPLAY: []}

    def learn(self, state: State, batch: Batch) -> State:
        marked = foreign(batch)
        own = batch.correct[(batch.mask & ~marked).any(1)]
        values = {REASONING: 1 - float(own.nanmean()), REPLAY: math.nan}
        if marked.any():
            values[REPLAY] = -float(batch_mean(batch.old_logprob, marked))
        kept = {name: [*state[name], *([value] if value == value else [])] for name, value in values.items()}
        return {name: history[-2 * self.window :] for name, history in kept.items()}

    def weights(self, histories: Mapping[str, Sequence[float]]) -> dict[str, float]:
        """The weight of each objective that has a history; they add up to 1."""
        known = {name: list(values) for name, values in histories.items() if values}
        scores = {name: score(values, self.window) for name, values in known.items()}
        if any(len(values) < 2 * self.window for values in known.values()):
            scores = dict.fromkeys(known, 1.0)
        largest = max(scores.values(), default=0.0)
        powers = {name: math.exp((value - largest) / self.temperature) for name, value in scores.items()}
        return {name: power / sum(powers.values()) for name, power in powers.items()}

    def __call__(self, batch: Batch, ratio: PerToken, advantage: PerToken) -> PerToken:
        found = self.weights(batch.piece_state)
        own = found.get(REASONING, 1.0) * Clip(self.low, self.high)(batch, ratio, advantage)
        return torch.where(foreign(batch), -found.get(REPLAY, 1.0) * batch.logprob, own)


def score(values: Sequence[float], window: int) -> float:
    """How little an objective's loss fell from the window before to the last, and how unsteady it is; 1 if it is 0.

    >>> round(score([1.0, 0.9, 0.95, 0.9, 0.7, 0.65, 0.6, 0.65], 4), 4)
    0.7156
    """
    before, last = values[-2 * window : -window], values[-window:]
    if not before or not statistics.fmean(before):
        return 1.0
    was, now = statistics.fmean(before), statistics.fmean(last)
    return now / was + statistics.pstdev(last) / (now + was)


METHODS = {
    "recap": derive(
        GRPO,
        title="RECAP",
        paper="arXiv:2510.21978",
        equation=r"\sum_k\lambda_k L_k,\quad\lambda=\mathrm{softmax}\Big(\frac1T\Big[\frac{\mu_k}{\tilde\mu_k}+"
        r"\frac{\sigma_k}{\mu_k+\tilde\mu_k}\Big]\Big),\quad L_{replay}=-\overline{\log\pi}",
        changes="solutions of general problems are trained beside the rollouts, and the objective that improves least"
        " weighs most",
        surrogate=Rebalanced(),
        reduction=PerObjective(),
        regularisers=(),
        controller=Replay(),
    )
}
