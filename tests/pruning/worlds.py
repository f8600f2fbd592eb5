"""A world without a model for the pruner: rollouts with hidden states from which their end can be told."""

import itertools

import torch
from torch import Tensor

from workbench.kinds import Partial
from workbench.pruning.arrol import Arrol
from workbench.types import Group, Problem, Request, Rollout, Sampling, State

WIDTH = 5


def sampling(step: int, seed: int = 7) -> Sampling:
    return Sampling(max_tokens=64, seed=seed, step=step)


class World:
    """Each step the same number of groups; a rollout is right with a chance that its hidden state tells."""

    size = 8

    def __init__(self, groups: int = 8, *, skill: float = 4.0, seed: int = 0, ease: float = 0.0) -> None:
        self.groups, self.skill, self.seed, self.ease = groups, skill, seed, ease

    def draw(self, step: int) -> tuple[Tensor, Tensor]:
        """Hidden states [group, rollout, width], and who will be right."""
        generator = torch.Generator().manual_seed(1000 * self.seed + step)
        hidden = torch.randn(self.groups, self.size, WIDTH, generator=generator)
        hidden[..., 0] += self.ease
        uniform = torch.rand(self.groups, self.size, generator=generator)
        return hidden, uniform < (self.skill * hidden[..., 0]).sigmoid()

    def partial(self, step: int, number: int) -> Partial:
        """A group at the detection length."""
        hidden, _ = self.draw(step)
        request = Request(Problem(f"p{number}", "", ""), (1,), group=number, number=number, n=self.size)
        return Partial(
            group=number,
            requests=[request] * self.size,
            index=list(range(self.size)),
            tokens=[[2]] * self.size,
            logprobs=[[-1.0]] * self.size,
            hidden=hidden[number],
        )

    def step(self, pruner: Arrol, state: State, step: int) -> tuple[State, list[Group]]:
        """Judges, finishes and labels the rollouts of a step; the state after it, and its groups."""
        _, correct = self.draw(step)
        groups = []
        for number in range(self.groups):
            partial = self.partial(step, number)
            keep, records = pruner(state, partial, sampling(step))
            rollouts = [
                Rollout(
                    partial.requests[index],
                    index,
                    [2, 3],
                    "",
                    [-1.0, -1.0],
                    [-1.0, -1.0],
                    "stop" if goes_on else "pruned",
                    reward=float(correct[number, index]) if goes_on else float("nan"),
                    correct=float(correct[number, index]) if goes_on else float("nan"),
                    extras={"pruning": [{"detection_length": float(pruner.detect), **records[index]}]},
                )
                for index, goes_on in enumerate(keep)
            ]
            groups.append(Group(number, partial.requests[0].problem, rollouts))
        return pruner.learn(state, groups), groups

    def run(self, pruner: Arrol, steps: int) -> tuple[State, list[list[Group]]]:
        """Several steps from the beginning."""
        state, found = pruner.init(), []
        for step in range(1, steps + 1):
            state, groups = self.step(pruner, state, step)
            found.append(groups)
        return state, found


def survivors(groups: list[Group]) -> list[Rollout]:
    """Those that were not pruned."""
    everyone = itertools.chain.from_iterable(group.rollouts for group in groups)
    return [rollout for rollout in everyone if rollout.finish != "pruned"]
