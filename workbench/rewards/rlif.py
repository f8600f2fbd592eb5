"""The intrinsic rewards of "No Free Lunch": three ways to pay a policy for being sure. All lower its entropy."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from workbench.kinds import Reward
from workbench.rewards.asking import bench_of
from workbench.types import Asked, Bench, Problem, Read, Rollout, Score


@dataclass(frozen=True)
class Rlif(Reward):
    """`token`: minus the mean entropy of a completion's tokens; `trajectory`: its log-prob. arXiv:2506.17219.

    `trajectory` is a mean over tokens, or the sum (the paper's normalisation is not published). The third of its
    rewards is `intuitor`. They help for a few steps and then end below the start: the paper stops on the policy's
    entropy, as the alarm `entropy_floor` does. The answer is not graded.
    """

    read: Annotated[Literal["token", "trajectory"], Field(description="entropy of the tokens, or their log-prob")] = (
        "token"
    )
    over: Annotated[Literal["mean", "sum"], Field(description="over a completion's tokens")] = "mean"

    @property
    def asks(self) -> frozenset[str]:
        return frozenset({"policy"})

    def __call__(self, problem: Problem, rollouts: Sequence[Rollout], scorer: Bench | None) -> Asked:
        bench_of(scorer, self.name)
        signal = "entropy" if self.read == "token" else "logprob"
        replies = yield [
            Read(rollout.request.prompt, tuple(rollout.tokens), (signal,), about=rollout.key) for rollout in rollouts
        ]
        sign = -1.0 if self.read == "token" else 1.0
        values = [sign * sum(reply[signal]) / (len(reply[signal]) if self.over == "mean" else 1) for reply in replies]
        what = "minus the entropy" if self.read == "token" else "the log-prob"
        return [Score(value, f"{what} of its tokens, {self.over}, in nats") for value in values]
