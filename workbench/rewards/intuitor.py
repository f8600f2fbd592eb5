"""INTUITOR: how far the policy's own next-token distributions are from uniform. Needs no label, and collapses."""

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.kinds import Reward
from workbench.rewards.asking import bench_of
from workbench.types import Asked, Bench, Problem, Read, Rollout, Score


@dataclass(frozen=True)
class Intuitor(Reward):
    """Mean self-certainty of a completion: log Σ exp(u) - mean u over the vocabulary. arXiv:2505.19590, section 3.

    That is KL(uniform ‖ policy) plus the logarithm of the vocabulary's size, a constant that cancels in the advantage.
    It is read from the policy as it is now: a frozen one is gamed. It pays for confident repetition: watch accuracy on
    held-out problems and the alarm `entropy_floor`. The answer is not graded.
    """

    @property
    def asks(self) -> frozenset[str]:
        return frozenset({"policy"})

    def __call__(self, problem: Problem, rollouts: Sequence[Rollout], scorer: Bench | None) -> Asked:
        bench_of(scorer, self.name)
        replies = yield [
            Read(rollout.request.prompt, tuple(rollout.tokens), ("self_confidence",), about=rollout.key)
            for rollout in rollouts
        ]
        values = [reply["self_confidence"] for reply in replies]
        return [Score(sum(each) / len(each), "mean self-certainty of its tokens, in nats") for each in values]
