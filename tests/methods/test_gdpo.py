"""GDPO: two parts by hand, against one sum, and the weights that are checked."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
import torch

from tests.batches import UNEQUAL, advantage_rows, assert_close, toy
from workbench.kinds import Reward
from workbench.methods.gdpo import BatchZ, Decoupled
from workbench.registry import find_method
from workbench.rewards.scoring import score_group
from workbench.types import Group, Problem, Request, Rollout, Score, Scorer

GDPO = find_method("gdpo")
PROBLEM = Problem("p", "?", "1")


def group(**parts: list[float]) -> Group:
    """A group whose rollouts have these parts of the reward."""
    count = len(next(iter(parts.values())))
    request = Request(PROBLEM, (1,), 0, 0, n=count)
    made = [Rollout(request, place, [1], "", [0.0], [0.0], "stop") for place in range(count)]
    for name, values in parts.items():
        for rollout, value in zip(made, values, strict=True):
            rollout.parts[name] = Score(value)
    return Group(0, PROBLEM, made)


def shaped(piece: Decoupled, rewards: list[float], **parts: list[float]) -> list[float]:
    return piece(group(**parts), rewards, 8)


def test_by_hand():
    """right 1, 0, 0, 1: ±.5 / (.57735 + .0001); form 4, 2, 2, 0 of mean 2: ±2 / (1.63299 + .0001), 0, 0."""
    found = shaped(Decoupled(), [5, 2, 2, 1], right=[1, 0, 0, 1], form=[4, 2, 2, 0])
    assert_close(found, [0.86588 + 1.22467, -0.86588, -0.86588, 0.86588 - 1.22467])
    half = shaped(Decoupled(weights=(1.0, 0.5)), [3, 1, 1, 1], right=[1, 0, 0, 1], form=[4, 2, 2, 0])
    assert_close(half, [0.86588 + 0.61234, -0.86588, -0.86588, 0.86588 - 0.61234])


def test_two_ways_to_the_same_sum_are_told_apart():
    """Both rollouts 1 and 2 sum to 1; GRPO cannot tell them apart, the rarer success weighs more here."""
    found = shaped(Decoupled(), [1, 1, 0, 1], rare=[1, 0, 0, 0], common=[0, 1, 0, 1])
    assert found[0] > found[1]


def test_a_part_without_spread_adds_nothing():
    assert shaped(Decoupled(), [1, 0], right=[1, 0], always=[0, 0]) == shaped(Decoupled(), [1, 0], right=[1, 0])


def test_unscored_rollouts_stay_unscored_and_do_not_count():
    nan = float("nan")
    found = shaped(Decoupled(), [1, 0, nan], right=[1, 0, nan])
    assert found[2] != found[2]
    assert found[:2] == shaped(Decoupled(), [1, 0], right=[1, 0])


def test_weights_that_are_not_the_runs_are_named():
    with pytest.raises(
        ValueError, match=r"decoupled\.weights = all 1: the parts sum to \[2\.0, 0\.0\].*\[1\.5, 0\.0\]"
    ):
        shaped(Decoupled(), [1.5, 0.0], right=[1, 0], form=[1, 0])
    with pytest.raises(ValueError, match=r"\[1\.0\] for the reward parts \['right', 'form'\]: give each a weight"):
        shaped(Decoupled(weights=(1.0,)), [2, 0], right=[1, 0], form=[1, 0])
    only = shaped(Decoupled(weights=(1.0, 0.0)), [1, 0], right=[1, 0], form=[0, 1])
    assert only == shaped(Decoupled(), [1, 0], right=[1, 0])  # a part that is recorded only is not trained on


def test_standardised_over_the_batch_by_hand():
    """Rewards 2, -1, -1, 0 centre on 0: deviation sqrt(6 / 3) = 1.41421, + .0001."""
    reward = torch.tensor([2.0, -1.0, -1.0, 0.0], dtype=torch.float64)
    assert_close(advantage_rows(GDPO, toy(reward=reward)), [1.41411, -0.70706, -0.70706, 0.0])


def test_over_tokens_by_hand():
    """Lengths 3, 1, 2, 3 of rewards 2, -1, -1, 0: mean 3 / 9, squares 3 · 2.7778 + 3 · 1.7778 + 3 · .1111 = 14; / 8."""
    method = dataclasses.replace(GDPO, advantage=BatchZ(over="tokens"))
    reward = torch.tensor([2.0, -1.0, -1.0, 0.0], dtype=torch.float64)
    expected = [(value - 1 / 3) / 1.75**0.5 for value in (2, -1, -1, 0)]
    assert_close(advantage_rows(method, toy(mask=UNEQUAL, reward=reward)), expected)


@dataclass(frozen=True)
class Listed(Reward):
    """A reward that gives every rollout a number by its place."""

    values: tuple[float, ...] = ()

    def __call__(self, problem: Problem, rollouts: Sequence[Rollout], scorer: Scorer | None) -> list[Score]:
        return [Score(self.values[rollout.index]) for rollout in rollouts]


def test_it_shapes_what_the_rewards_of_a_run_give():
    scored = group(right=[0.0] * 4)
    for rollout in scored.rollouts:
        rollout.parts.clear()
    parts = [("right", Listed((1.0, 0.0, 0.0, 1.0)), 1.0), ("form", Listed((4.0, 2.0, 2.0, 0.0)), 0.5)]
    assert score_group(parts, [Decoupled(weights=(1.0, 0.5))], scored, None, 8) == []
    assert_close([rollout.reward for rollout in scored.rollouts], [1.47822, -0.86588, -0.86588, 0.25354])
