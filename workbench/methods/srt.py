"""SRT and TTRL: the reward is agreement with the majority of the policy's own answers; no reference is read.

Left out: SRT's masked KL of problems without a clear majority. Watch such a run with the alarm `zero_variance`: a
policy that always answers the same has a reward of 1 everywhere.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Literal

from pydantic import Field

from workbench.kinds import Controller, Filter, Orders, Round, Shaping, Verdict
from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.methods.rloo import METHODS as RLOO
from workbench.pieces.texts import answers
from workbench.types import Group, Rollout, State


def shares(rollouts: Sequence[Rollout]) -> list[float]:
    """Each rollout's answer as a share of the answers found; 0 without one."""
    given = answers(rollouts)
    counts = Counter(answer for answer in given if answer)
    total = sum(counts.values())
    return [counts[answer] / total if answer else 0.0 for answer in given]


@dataclass(frozen=True)
class SelfReward(Shaping):
    """Agreement with the policy's own answers in place of the reward. arXiv:2505.21444; TTRL, arXiv:2504.16084.

    hard: 1 for the most frequent answer, of equally frequent ones the first that was given; 0 for all if its share of
    the answers found is below `threshold`. soft: the share of the rollout's own answer. Equal means equal as the
    rewards extracted them. An unscored rollout stays unscored, and gives its vote if an answer was found.
    """

    vote: Annotated[Literal["hard", "soft"], Field(description="1 for the majority, or each answer's share")] = "hard"
    threshold: Annotated[float, Field(ge=0, le=1, description="least share of a majority")] = 0.0

    def __call__(self, group: Group, rewards: Sequence[float], budget: int) -> list[float]:
        del budget
        own = shares(group.rollouts)
        if self.vote == "hard":
            given = answers(group.rollouts)
            best = max(own, default=0.0)
            label = given[own.index(best)] if best and best >= self.threshold else ""
            own = [float(bool(label) and answer == label) for answer in given]
        return [value if reward == reward else reward for value, reward in zip(own, rewards, strict=True)]


@dataclass(frozen=True)
class TrainFirst(Controller):
    """Trains the first rollouts of each group; the others only give their votes. arXiv:2504.16084."""

    trained: Annotated[int, Field(ge=2, description="rollouts of a problem that are trained")] = 32  # paper: of 64

    def __call__(self, state: State, round: Round) -> Orders:
        for group in round.groups:
            for rollout in group.rollouts[self.trained :]:
                rollout.request = replace(rollout.request, train=False, tag="vote")
        return Orders(state=state)


@dataclass(frozen=True)
class ClearestMajorities(Filter):
    """Trains on the share of a step's problems whose majorities are largest. arXiv:2505.21444."""

    keep: Annotated[float, Field(gt=0, le=1, description="share of the problems")] = 1.0  # authors: also 1/3

    def __call__(self, state: State, groups: Sequence[Group]) -> list[Verdict]:
        best = [max(shares(group.rollouts), default=0.0) for group in groups]
        order = sorted(range(len(groups)), key=lambda place: -best[place])
        kept = set(order[: max(1, round(self.keep * len(groups)))])
        return ["keep" if place in kept else "drop" for place in range(len(groups))]


METHODS = {
    "srt": derive(
        RLOO["rloo"],
        title="SRT",
        paper="arXiv:2505.21444",
        equation=r"R_i=[a_i=\hat y],\quad\hat y=\arg\max_a\sum_j[a_j=a]",
        changes="the reward is agreement with the majority of the policy's own answers, formed at every step, with the"
        " mean of the other rollouts as baseline",
        shaping=(SelfReward(),),
        filters=(ClearestMajorities(),),
    ),
    "ttrl": derive(
        GRPO,
        title="TTRL",
        paper="arXiv:2504.16084",
        equation=r"R_i=[a_i=\hat y],\quad\hat y=\arg\max_a\sum_{j\le64}[a_j=a],\quad i\le32",
        changes="the reward is agreement with the majority of many own answers, of which a part is trained; meant for"
        " test problems without references",
        regularisers=(),
        shaping=(SelfReward(),),
        controller=TrainFirst(),
    ),
}
