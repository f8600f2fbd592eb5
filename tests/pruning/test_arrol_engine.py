"""The pruner inside the local engine, through the rounds of a step: survivors go on exactly as they would have."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pytest

from tests.engines.engine_models import PROMPTS, qwen3
from workbench.engines.local.engine import LocalEngine
from workbench.kinds import Task
from workbench.pieces.sampler import Uniform
from workbench.pruning.arrol import Arrol
from workbench.training.checkpoint import read, write
from workbench.training.sampling import Clock, Limits, Parts, Sampled, StepSampler
from workbench.types import Group, Problem, Sampling

PRUNER = Arrol(detect=5, warm_up=1, min_auc=0.0, bins=4, units=4)
STEPS = 3


@dataclass(frozen=True)
class Prompts(Task):
    """The prompts of the engine's tests, by number."""

    def problem(self, number: int, split: Literal["train", "test"]) -> Problem:
        return Problem(f"p{number}", str(number % len(PROMPTS)), "")


class Reader:
    """Reads a prompt's number."""

    def prompt(self, text: str) -> tuple[int, ...]:
        return PROMPTS[int(text)]

    def text(self, tokens: Any) -> str:
        return ""

    shown = text
    answer = prompt


def judge(groups: Sequence[Group]) -> list[str]:
    """Right is who wrote an even token last; pruned rollouts are not scored."""
    for rollout in [rollout for group in groups for rollout in group.alive.rollouts]:
        assert rollout.finish != "pruned"
        rollout.reward = rollout.correct = float(rollout.tokens[-1] % 2 == 0)
    return []


class Short:
    """Three steps of sampling, with the pruner's state as the trainer holds it."""

    def __init__(self, pruner: Arrol | None, concurrent: int = 32) -> None:
        engine = LocalEngine(qwen3(), concurrent=concurrent)
        self.parts = Parts(Prompts(), engine, Reader(), judge, Uniform(), pruner=pruner)
        self.states = {"sampler": Uniform().init(), "pruner": {} if pruner is None else pruner.init()}

    def step(self, step: int) -> Sampled:
        sampling = Sampling(max_tokens=14, stop=tuple(range(300, 310)), seed=2, step=step)
        done = StepSampler(self.parts, Limits(4, 8, 1, seed=2), sampling, self.states, Clock()).run()
        if self.parts.pruner is not None:
            self.states["pruner"] = self.parts.pruner.learn(self.states["pruner"], done.groups)
        return done


def outcome(done: Sampled) -> list[tuple[Any, ...]]:
    """All that is known of the rollouts of a step."""
    return [
        (rollout.request.number, rollout.index, rollout.tokens, rollout.finish, rollout.extras)
        for rollout in done.rollouts
    ]


@pytest.fixture(scope="module")
def pruned():
    """Three steps and the state after them."""
    run = Short(PRUNER)
    return [run.step(step) for step in range(1, STEPS + 1)], run.states


def test_pruned_rollouts_end_at_the_detection_length_and_others_go_on_unchanged(pruned):
    steps, _ = pruned
    free = Short(None)
    for number, done in enumerate(steps, start=1):
        whole = free.step(number)
        for rollout, other in zip(done.rollouts, whole.rollouts, strict=True):
            cut = rollout.finish == "pruned"
            assert rollout.tokens == (other.tokens[:5] if cut else other.tokens)
            assert (rollout.pruned_at == 5) == cut
            assert ("pruning" in rollout.extras) == (len(other.tokens) > 5)
            assert "pruning" in rollout.extras or rollout.extras["survival"] == 1
        stopped = [rollout for rollout in done.rollouts if rollout.finish == "pruned"]
        assert (len(stopped) > 0) == (number > PRUNER.warm_up)
        assert all(0.1 <= rollout.extras["pruning"][0]["survival"] <= 0.9 for rollout in stopped)


def test_half_of_the_judged_ones_survive_in_every_group(pruned):
    for group in pruned[0][-1].groups:
        judged = [rollout for rollout in group.rollouts if "pruning" in rollout.extras]
        kept = sum(rollout.finish != "pruned" for rollout in judged)
        expected = len(judged) if len(judged) < PRUNER.min_group else int(len(judged) / 2 + 0.5)
        assert kept == expected


def test_survivors_teach_the_head(pruned):
    steps, states = pruned
    judged = [rollout for done in steps for rollout in done.rollouts if "pruning" in rollout.extras]
    survivors = [rollout for rollout in judged if rollout.finish != "pruned"]
    assert len(states["pruner"]["memory"]["correct"]) == len(survivors) < len(judged)
    assert states["pruner"]["memory"]["hidden"].shape[1] == 32


def test_a_resumed_run_prunes_the_same(pruned, tmp_path):
    run = Short(PRUNER)
    run.step(1)
    write(tmp_path, {}, {"states": run.states})
    again = Short(PRUNER, concurrent=32)
    again.states = copy.deepcopy(read(tmp_path)[1]["states"])
    for number in range(2, STEPS + 1):
        assert outcome(again.step(number)) == outcome(pruned[0][number - 1])
