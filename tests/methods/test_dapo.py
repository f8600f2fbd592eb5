"""DAPO's four parts, each worked by hand."""

import dataclasses
import math

import pytest
import torch

from tests.batches import UNEQUAL, advantage_rows, assert_close, loss_and_gradient, toy
from workbench.pieces.filters import DynamicSampling
from workbench.pieces.surrogate import Clip
from workbench.registry import find_method
from workbench.types import Group, Problem, Request, Rollout

SIGNED = torch.tensor([1.0, -1.0, -1.0, 1.0], dtype=torch.float64)
PROBLEM = Problem("p", "1 + 1?", "2")


def scored(verdicts: list[float], length: int = 2) -> Group:
    """A group of rollouts with these verdicts."""
    request = Request(PROBLEM, (1,), group=0, number=0, n=len(verdicts))
    rollouts = []
    for index, verdict in enumerate(verdicts):
        tokens = [7] * length
        zeros = [0.0] * length
        rollout = Rollout(request, index, tokens, "2", zeros, zeros, "stop", reward=verdict, correct=verdict)
        rollouts.append(rollout)
    return Group(0, PROBLEM, rollouts)


def test_token_mean_and_clip_higher():
    loss, gradient = loss_and_gradient(find_method("dapo"), toy(mask=UNEQUAL, reward=SIGNED))
    assert_close(advantage_rows(find_method("dapo"), toy(reward=SIGNED)), [0.8660, -0.8660, -0.8660, 0.8660])
    assert_close(loss, -0.27011)
    assert_close(gradient[0], [-0.1063, -0.0915, 0.0])  # exp(.3) = 1.3499 lies above 1.28
    assert_close(gradient[1, 0], 0.1175)


def test_a_still_higher_bound_lets_the_token_learn():
    method = dataclasses.replace(find_method("dapo"), surrogate=Clip(low=0.2, high=0.40))
    assert_close(loss_and_gradient(method, toy(mask=UNEQUAL, reward=SIGNED))[1][0], [-0.1063, -0.0915, -0.1299])


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ([1.0, 1.0, 1.0, 1.0], "resample"),
        ([1.0, 0.0, 0.0, 1.0], "keep"),
        ([0.0, 0.0, 0.0, 0.0], "resample"),
        ([1.0, 0.0, 0.0, 0.0], "keep"),
        ([1.0, 0.0, math.nan, math.nan], "keep"),
        ([1.0, math.nan, math.nan, 1.0], "resample"),
        ([math.nan, math.nan], "resample"),
    ],
)
def test_dynamic_sampling_wants_contrast(verdicts, expected):
    assert DynamicSampling()({}, [scored(verdicts)]) == [expected]


def test_dynamic_sampling_looks_at_the_verdict_not_at_the_shaped_reward():
    group = scored([1.0, 1.0])
    group.rollouts[0].reward = 0.3  # too long, but right
    assert DynamicSampling()({}, [group]) == ["resample"]


def test_dynamic_sampling_has_a_cap():
    (own,) = find_method("dapo").filters
    assert own.rounds == 9
    assert DynamicSampling(rounds=0).rounds == 0
    with pytest.raises(ValueError, match=r"dynamic_sampling\.rounds = -1"):
        DynamicSampling(rounds=-1)


def test_shaping_signs_the_reward_then_shortens():
    group, rewards = scored([1.0, 0.0], length=18), [1.0, 0.0]
    for piece in find_method("dapo").shaping:
        rewards = piece(group, rewards, 20)
    assert_close(rewards, [1.0 - 0.5, -1.0 - 0.5])  # half way through the last fifth


def test_all_four_parts_can_be_switched_off():
    plain = find_method("dapo").override(
        {"surrogate": {"high": 0.2}, "filters": [], "shaping": [], "reduction": "sequence_mean"}
    )
    assert (plain.filters, plain.shaping) == ((), ())
    assert plain.surrogate == Clip(low=0.2, high=0.2)
