"""RoRecomp: short correct and long incorrect completions are trained at once, the others later, in bulk."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

import torch
from pydantic import Field

from workbench.kinds import Advantage, Controller, Orders, Round
from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.pieces.advantage import GroupZ
from workbench.pieces.off_policy import WriterRatio, mark
from workbench.types import Batch, Problem, Rollout, State

WAITING = "waiting"
AGAIN = "compensation"


@dataclass(frozen=True)
class Recompose(Controller):
    """Splits each group's rollouts into those trained now and those that wait. arXiv:2509.25958.

    Of the correct ones the shortest `share` are trained now, of the incorrect ones the longest, at least one of either
    kind. The others wait, recorded and untrained, with the advantage of their full group; when `steps` steps' worth
    is waiting, one step's worth of the oldest is trained as well, by the ratio to the policy that generated it. What
    the abstract leaves open is guessed: share, buffer, schedule, and that advantages come before the choice.
    """

    share: Annotated[float, Field(gt=0, le=1, description="of each kind, trained at once (alpha)")] = 0.5  # guess
    steps: Annotated[float, Field(gt=0, description="steps' worth of rollouts that wait at most")] = 4.0  # guess
    advantage: Annotated[Advantage, Field(description="over the whole group, before the choice")] = GroupZ()

    def init(self) -> State:
        return {"waiting": []}

    def __call__(self, state: State, round: Round) -> Orders:
        if round.number > 0:
            return Orders(state=state)
        waiting, count = list(state["waiting"]), 0
        for group in round.groups:
            rollouts = [rollout for rollout in group.rollouts if rollout.finish != "pruned"]
            self.store_advantages(rollouts)
            count += len(rollouts)
            for rollout in self.later(rollouts):
                waiting.append(frozen(rollout))
                rollout.request = replace(rollout.request, train=False, tag=WAITING)
        ready: list[Rollout] = []
        if len(waiting) >= self.steps * count:
            ready, waiting = [thawed(item, round) for item in waiting[:count]], waiting[count:]
        return Orders(rollouts=ready, state={"waiting": waiting})

    def store_advantages(self, rollouts: Sequence[Rollout]) -> None:
        """Gives every token of a group's rollouts its advantage, before some of them leave."""
        reward = torch.tensor([rollout.reward for rollout in rollouts], dtype=torch.float64)
        zeros = torch.zeros(len(rollouts), 1, dtype=torch.float64)
        batch = Batch(zeros, zeros, zeros == 0, reward, torch.zeros(len(rollouts), dtype=torch.long))
        for rollout, value in zip(rollouts, self.advantage(batch)[:, 0].tolist(), strict=True):
            rollout.extras["stored_advantage"] = [value] * len(rollout.tokens)

    def later(self, rollouts: Sequence[Rollout]) -> list[Rollout]:
        """The rollouts of a group that wait."""
        right = sorted((item for item in rollouts if item.correct == 1), key=lambda item: len(item.tokens))
        wrong = sorted((item for item in rollouts if item.correct == 0), key=lambda item: -len(item.tokens))
        return [item for kind in (right, wrong) for item in kind[max(1, math.ceil(self.share * len(kind) - 1e-9)) :]]


def frozen(rollout: Rollout) -> dict[str, Any]:
    """A rollout as plain data, as the state holds it."""
    asked = rollout.request.problem
    texts = {name: getattr(asked, name) for name in ("key", "prompt", "answer", "source")}
    problem = {**texts, "data": dict(asked.data)}
    own = {name: getattr(rollout, name) for name in ("index", "tokens", "text", "engine_logprob", "sampled_logprob")}
    return {"problem": problem, "prompt": rollout.prompt, **own, "extras": rollout.extras}


def thawed(item: dict[str, Any], round: Round) -> Rollout:
    """A rollout made of such data, in a group of its own, marked as off-policy."""
    request = round.request(
        problem=Problem(**item["problem"]), prompt=tuple(item["prompt"]), group=round.new_group(), tag=AGAIN
    )
    written, drawn = list(item["engine_logprob"]), list(item["sampled_logprob"])
    rollout = Rollout(request, item["index"], list(item["tokens"]), item["text"], written, drawn, "given")
    rollout.extras |= item["extras"]
    mark(rollout)
    return rollout


METHODS = {
    "rorecomp": derive(
        GRPO,
        title="RoRecomp",
        paper="arXiv:2509.25958",
        equation=r"\mathcal L_{clip}\text{ over }\{\text{shortest }\alpha\text{ of right}\}\cup"
        r"\{\text{longest }\alpha\text{ of wrong}\},\text{ the others when enough are waiting}",
        changes="only the shorter correct and the longer incorrect completions are trained at once; the others are"
        " buffered",
        ratio=WriterRatio(),
        regularisers=(),
        controller=Recompose(),
    )
}
