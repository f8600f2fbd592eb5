"""The rounds of a step: controllers, filters, drops, ready-made and pruned rollouts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch

from tests.example_pieces import Easiest, Hinted
from tests.training.small_runs import make_parts, make_settings, make_trainer, tiny_policy
from workbench.engines.scripted import ScriptedEngine
from workbench.kinds import Controller, Filter, Orders, Partial, Pruner, Round, Verdict
from workbench.method import Method, derive
from workbench.pieces.filters import DynamicSampling
from workbench.registry import find_method
from workbench.rewards.exact import Exact
from workbench.rewards.scoring import score_groups
from workbench.tasks.sums import Sums
from workbench.training.assemble import Scale, make_batch, make_rows, trained_rollouts
from workbench.training.sampling import Clock, Limits, Parts, Sampled, StepSampler
from workbench.types import Group, Request, Rollout, Sampling, State

TEXTS = {"title": "t", "paper": "p", "equation": "e", "changes": "c"}
GRPO = find_method("grpo")
TASK = Sums(level=1)
KEYS = [TASK.problem(number, "train").key for number in range(20)]
RIGHT = [f"answer: {TASK.problem(number, 'train').answer}" for number in range(20)]


@dataclass(frozen=True)
class Branches(Controller):
    """As CURE does: one answer of every group is cut after two tokens and continued several times in its group."""

    branches: int = 2

    def __call__(self, state: State, round: Round) -> Orders:
        if round.number > 0:
            return Orders(state=state)
        return Orders([self.branch(group, round) for group in round.groups], state={"branched": len(round.groups)})

    def branch(self, group: Group, round: Round) -> Request:
        """A request that continues the group's first answer."""
        first = group.rollouts[0]
        prefix = tuple(first.tokens[:2])
        fields: dict[str, Any] = {"problem": group.problem, "prompt": first.request.prompt, "group": group.number}
        return round.request(**fields, prefix=prefix, n=self.branches, tag="branch")


@dataclass(frozen=True)
class Demonstrated(Controller):
    """Adds a written answer to every group once, and drops the group's first rollout."""

    def __call__(self, state: State, round: Round) -> Orders:
        if round.number > 0:
            return Orders(state=state)
        given = [self.given(group, round) for group in round.groups]
        return Orders(rollouts=given, drop=lambda rollout: rollout.index == 0, state=state)

    def given(self, group: Group, round: Round) -> Rollout:
        """The written answer."""
        prompt = group.rollouts[0].request.prompt
        request = round.request(problem=group.problem, prompt=prompt, group=group.number, tag="given")
        tokens, nothing = [50, 51, 2], [float("nan")] * 3
        text = f"answer: {group.problem.answer}"
        return Rollout(request, 7, tokens, text, nothing, nothing, "given", extras={"off_policy": [1.0] * 3})


@dataclass(frozen=True)
class Insatiable(Controller):
    """Always wants one more rollout of every group."""

    def __call__(self, state: State, round: Round) -> Orders:
        again = [
            round.request(problem=group.problem, prompt=group.rollouts[0].request.prompt, group=group.number)
            for group in round.groups
        ]
        return Orders(again, state={"rounds": state.get("rounds", 0) + 1})


@dataclass(frozen=True)
class Always(Controller):
    """Asks every problem again with a hint, in a new group, trained without it."""

    def __call__(self, state: State, round: Round) -> Orders:
        hint = Hinted()
        return Orders([] if round.number else [hint.again(group, round) for group in round.groups], state=state)


@dataclass(frozen=True)
class Never(Filter):
    """Wants another problem, always."""

    rounds: int = 2

    def __call__(self, state: State, groups: Sequence[Group]) -> list[Verdict]:
        return ["resample" for _ in groups]


@dataclass(frozen=True)
class Second(Pruner):
    """Stops every second rollout after two tokens."""

    @property
    def detection_lengths(self) -> tuple[int, ...]:
        return (2,)

    def __call__(self, state: State, partial: Partial, sampling: Sampling) -> tuple[list[bool], list[dict[str, float]]]:
        return [index % 2 == 0 for index in partial.index], [{"quality": 0.5} for _ in partial.index]


def sample(answers: dict[str, Sequence[Any]], limits: Limits, **changes: Any) -> tuple[Sampled, dict[str, State]]:
    """One step of a scripted engine, scored by the exact answer."""
    policy = tiny_policy()

    def scored(groups: Sequence[Group]) -> list[str]:
        return score_groups([("exact", Exact(), 1.0)], (), groups, None, 20)

    changes = {"engine": ScriptedEngine(policy.encoder, answers), "score": scored, **changes}
    parts: Parts = make_parts(GRPO, policy, **changes)
    states = {"sampler": parts.sampler.init()}
    if parts.controller is not None:
        states["controller"] = parts.controller.init()
    sampling = Sampling(max_tokens=20, stop=(2,), step=1)
    return StepSampler(parts, limits, sampling, states, Clock()).run(), states


def test_plain_sampling_fills_groups_in_order() -> None:
    answers = {key: [right, "answer: x"] for key, right in zip(KEYS, RIGHT, strict=True)}
    sampled, states = sample(answers, Limits(3, 4, 8, 0))
    assert [group.number for group in sampled.groups] == [0, 1, 2]
    assert [group.problem.key for group in sampled.groups] == KEYS[:3]
    assert sampled.kept == {0, 1, 2}
    assert [[rollout.reward for rollout in group.rollouts] for group in sampled.groups] == [[1.0, 0.0] * 2] * 3
    assert states["sampler"]["next"] == 3
    assert sampled.events == []


def test_a_dead_group_is_asked_again_with_a_hint_and_trained_without() -> None:
    answers = {KEYS[0]: [RIGHT[0], "answer: x"], KEYS[1]: ["answer: x", "answer: y"]}
    sampled, states = sample(answers, Limits(2, 2, 8, 0), controller=Hinted(rollouts=3))
    assert [group.number for group in sampled.groups] == [0, 2]
    again = sampled.groups[1]
    assert [rollout.round for rollout in again.rollouts] == [1, 1, 1]
    assert {rollout.request.tag for rollout in again.rollouts} == {"hinted"}
    encoder = tiny_policy().encoder
    bare = encoder.prompt(again.problem.prompt)
    assert again.rollouts[0].prompt == bare
    assert again.rollouts[0].request.prompt != bare
    assert encoder.shown(again.rollouts[0].request.prompt).endswith(f"Hint: {again.problem.answer}\n")
    assert states["controller"] == {"asked": 1}
    numbers = [rollout.request.number for rollout in sampled.rollouts]
    assert len(set(numbers)) == 2


def test_a_branch_continues_in_its_group_and_its_prefix_is_not_learnt() -> None:
    answers = {key: [right, "answer: x"] for key, right in zip(KEYS, RIGHT, strict=True)}
    sampled, _ = sample(answers, Limits(2, 2, 8, 0), controller=Branches())
    for group in sampled.groups:
        assert [rollout.round for rollout in group.rollouts] == [0, 0, 1, 1]
        branch = group.rollouts[2]
        assert branch.tokens[:2] == group.rollouts[0].tokens[:2]
        assert branch.trained[:3] == [False, False, True]
    rollouts = trained_rollouts(sampled)
    batch = make_batch(rollouts, Scale(1, 2, 20, 1.0), torch.device("cpu"))
    assert batch.mask[2, :3].tolist() == [False, False, True]
    rows = make_rows(GRPO, rollouts, sampled.groups, tiny_policy().encoder)
    assert len(rows.plain) == 8
    assert list(rows.plain[2].answer) == rollouts[2].tokens


def test_ready_made_rollouts_join_and_dropped_ones_leave() -> None:
    answers = {key: ["answer: x", "answer: y"] for key in KEYS}
    sampled, _ = sample(answers, Limits(2, 3, 8, 0), controller=Demonstrated())
    for group in sampled.groups:
        assert [rollout.index for rollout in group.rollouts] == [1, 2, 7]
        given = group.rollouts[-1]
        assert (given.finish, given.reward, given.round) == ("given", 1.0, 1)
    batch = make_batch(trained_rollouts(sampled), Scale(1, 2, 20, 1.0), torch.device("cpu"))
    assert batch["off_policy"].sum(1).tolist() == [0.0, 0.0, 3.0] * 2


def test_filters_ask_for_other_problems_up_to_their_rounds() -> None:
    answers = {key: [right, "answer: x"] for key, right in zip(KEYS, RIGHT, strict=True)}
    answers |= {KEYS[0]: ["answer: x"], KEYS[3]: ["answer: x"]}
    sampled, _ = sample(answers, Limits(3, 2, 8, 0), filters=(DynamicSampling(),))
    assert [group.problem.key for group in sampled.groups] == KEYS[:5]
    assert sampled.kept == {1, 2, 4}  # 3 was asked in place of 0, 4 in place of 3
    assert sampled.events == []
    sampled, _ = sample({key: ["answer: x"] for key in KEYS}, Limits(3, 2, 8, 0), filters=(Never(),))
    assert len(sampled.groups) == 9
    assert sampled.kept == set()
    assert sampled.events == ["0 of 3 groups passed the filters after 3 rounds of sampling"]


def test_a_filter_may_drop_without_asking_again() -> None:
    answers = {KEYS[0]: [RIGHT[0]], KEYS[1]: ["answer: x"]}
    sampled, _ = sample(answers, Limits(2, 2, 8, 0), filters=(Easiest(),))
    assert (len(sampled.groups), sampled.kept) == (2, {0})
    assert sampled.events == []


def test_a_controller_that_never_ends_is_stopped_and_that_is_told() -> None:
    sampled, states = sample({key: ["answer: x"] for key in KEYS}, Limits(2, 2, 3, 0), controller=Insatiable())
    assert [len(group.rollouts) for group in sampled.groups] == [4, 4]
    assert states["controller"]["rounds"] == 3
    assert len(sampled.events) == 1
    assert "rollouts.rounds = 3" in sampled.events[0]


def test_pruned_rollouts_are_neither_scored_nor_trained() -> None:
    trainer = make_trainer("grpo", make_settings(rollouts={"problems": 4, "rollouts": 6, "max_tokens": 5}))
    trainer = make_trainer("grpo", trainer.settings, pruner=Second())
    step = next(iter(trainer))
    assert step.columns is not None
    pruned = [finish == "pruned" for finish in step.columns["finish"]]
    assert 0 < sum(pruned) <= 12
    assert step.metrics["pruned"] == sum(pruned)
    offsets = step.columns["offsets"]
    for number, stopped in enumerate(pruned):
        assert (step.columns["parts"][number] == []) == stopped
        assert np.isnan(step.columns["reward"][number]) == stopped
        lens = step.columns["lens"][offsets[number] : offsets[number + 1]]
        assert np.isnan(lens).all() == stopped
    assert step.metrics["scored_share"] == 1.0


@pytest.mark.parametrize("controller", [Always(), Branches(), Demonstrated()], ids=lambda piece: piece.name)
def test_the_trainer_learns_from_whatever_a_controller_brings(controller: Controller) -> None:
    method: Method = derive(GRPO, **TEXTS, controller=controller)
    steps = list(make_trainer(method))
    assert [step.number for step in steps] == [1, 2]
    assert all(np.isfinite(value) for step in steps for value in step.metrics.values())
    assert steps[0].metrics["mismatch_p99"] < 1e-3  # what the engine did not write is not compared


def test_a_step_without_a_group_to_train_on_is_a_step() -> None:
    method = derive(GRPO, **TEXTS, filters=(Never(),))
    trainer = make_trainer(method)
    before = {name: value.clone() for name, value in trainer.learner.weights().items()}
    first, second = trainer
    assert (first.number, second.number) == (1, 2)
    assert first.metrics["groups"] == 0.0
    assert first.metrics["groups_sampled"] > 0
    assert "loss" not in first.metrics
    assert first.columns is not None
    assert len(first.columns["reward"]) == 4 * 4 * 3
    assert all(torch.equal(before[name], value) for name, value in trainer.learner.weights().items())
