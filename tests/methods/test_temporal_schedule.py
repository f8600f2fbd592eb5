"""Temporal scheduling, worked by hand: 200 steps."""

import dataclasses

import pytest
import torch

from tests.batches import ENTROPY, assert_close, loss_and_gradient, toy
from workbench.method import advantages, settle
from workbench.pieces.schedule import Fading
from workbench.registry import find_method
from workbench.types import Batch


def long_rollout(step: int, length: int) -> Batch:
    """Two rollouts of this many tokens; entropy falls from token to token."""
    entropy = torch.linspace(2.0, 0.0, length).repeat(2, 1)
    logprob = torch.full((2, length), -1.0)
    return Batch(
        logprob=logprob,
        old_logprob=logprob,
        mask=torch.ones(2, length, dtype=torch.bool),
        reward=torch.tensor([1.0, 0.0]),
        group=torch.zeros(2, dtype=torch.long),
        step=step,
        total_steps=200,
        extras={"old_entropy": entropy},
    )


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ("linear", [0.99, 0.7425, 0.495, 0.2475, 0.0, 0.0]),
        ("sigmoid", [0.99, 0.8861, 0.495, 0.1039, 0.0, 0.0]),
        ("gamma", [0.9801, 0.5513, 0.2450, 0.0613, 0.0, 0.0]),
    ],
)
def test_schedules(shape, expected):
    fading = Fading(0.99, end=0.8, shape=shape)
    assert_close([fading(step, 200) for step in (0, 40, 80, 120, 160, 200)], expected)


@pytest.mark.parametrize(
    ("step", "short", "long"), [(0, 1, 10), (40, 3, 258), (80, 6, 505), (120, 8, 753), (160, 10, 1000)]
)
def test_how_much_of_the_end_is_trained(step, short, long):
    for length, expected in ((10, short), (1000, long)):
        weight = settle(find_method("temporal_schedule"), long_rollout(step, length)).weight[0]
        assert int((weight > 0).sum()) == expected
        assert (weight[-expected:] > 0).all()


@pytest.mark.parametrize(("step", "kept"), [(0, 1), (40, 3), (80, 6), (120, 8), (160, 10)])
def test_how_many_forking_tokens_are_kept(step, kept):
    weight = settle(find_method("temporal_forking"), long_rollout(step, 10)).weight[0]
    assert (weight > 0).tolist() == [True] * kept + [False] * (10 - kept)


@pytest.mark.parametrize(("step", "loss"), [(0, -0.02365), (80, 0.00255), (160, 0.00176)])
def test_losses_of_growing_ends(step, loss):
    assert_close(loss_and_gradient(find_method("temporal_schedule"), toy(step=step))[0], loss)


def test_which_tokens_fork():
    weight = settle(find_method("temporal_forking"), toy(step=80, old_entropy=ENTROPY)).weight
    assert (weight > 0).long().tolist() == [[1, 1, 0], [1, 0, 1], [0, 1, 1], [1, 0, 1]]


def test_the_entropy_bonus_is_capped_by_the_advantage():
    found = advantages(find_method("temporal_entropy"), toy(step=80, old_entropy=ENTROPY))
    assert_close(found[0], [1.0442, 1.0804, 0.9056])
    assert_close(found[1], [-0.6517, -0.7670, -0.6517])


def test_a_schedule_is_a_field_of_a_config():
    method = find_method("temporal_schedule").override(
        {"reduction": {"left_out": {"piece": "fading", "value": 0.5, "shape": "gamma"}}}
    )
    assert method.reduction == dataclasses.replace(method.reduction, left_out=Fading(0.5, shape="gamma"))
