"""GRPO in both forms: the library's and the paper's."""

import dataclasses
import math

import pytest
import torch

from tests.batches import EQUAL, REWARD, UNEQUAL, advantage_rows, assert_close, loss_and_gradient, toy
from workbench.pieces.advantage import GroupZ
from workbench.pieces.reduction import SequenceMean
from workbench.pieces.regulariser import K3
from workbench.pieces.surrogate import Clip
from workbench.registry import find_method

Z = 0.8660254


@pytest.mark.parametrize(
    ("advantage", "expected"),
    [
        (GroupZ(eps=1e-4), [0.8659, -0.8659, -0.8659, 0.8659]),  # TRL
        (GroupZ(), [0.8660, -0.8660, -0.8660, 0.8660]),  # verl
        (GroupZ(population=True), [1.0, -1.0, -1.0, 1.0]),
    ],
)
def test_advantage_of_two_right_of_four(advantage, expected):
    method = dataclasses.replace(find_method("grpo"), advantage=advantage)
    assert_close(advantage_rows(method, toy()), expected)


def test_advantage_of_one_right_of_four():
    reward = torch.tensor([1.0, 0.0, 0.0, 0.0], dtype=torch.float64)
    assert_close(advantage_rows(find_method("grpo"), toy(reward=reward)), [1.5, -0.5, -0.5, -0.5])


def test_equal_lengths_worked_by_hand():
    # exp(.3) = 1.35 lies above 1.2 and its advantage is positive: no gradient. exp(-.3) = .74 likewise, mirrored.
    loss, gradient = loss_and_gradient(find_method("grpo"), toy())
    assert_close(loss, 0.00754)
    assert_close(gradient[0], [-0.0798, -0.0686, 0.0])
    assert_close(gradient[1], [0.0881, 0.0, 0.0759], 1e-4)


def test_sequence_mean_favours_short_answers():
    method = dataclasses.replace(find_method("grpo"), reduction=SequenceMean(), advantage=GroupZ(eps=1e-4))
    loss, gradient = loss_and_gradient(method, toy(mask=UNEQUAL))
    assert_close(loss, 0.05846)
    assert_close(gradient[1, 0], 0.2644)  # three times what the token got in an answer of three
    assert_close(gradient[2], [0.0979, 0.1390, 0.0], 1e-4)


def test_the_paper_adds_a_penalty_for_distance():
    method = dataclasses.replace(find_method("grpo_paper"), advantage=GroupZ(eps=1e-4))
    assert_close(loss_and_gradient(method, toy(mask=EQUAL))[0], 0.00851)
    assert find_method("grpo_paper").advantage == GroupZ(population=True)
    assert find_method("grpo_paper").needs == {"ref_logprob"}
    assert find_method("grpo").needs == frozenset()


def test_the_paper_has_no_caps():
    """Neither on the ratio nor on the estimate, 30 nats from the reference and the sampling policy."""
    far = toy(reward=torch.zeros(4, dtype=torch.float64))
    far = far.extend(ref_logprob=far.logprob + 30.0)
    loss, gradient = loss_and_gradient(find_method("grpo_paper"), far)
    assert_close(loss / (0.04 * (math.exp(30.0) - 31.0)), 1.0, 1e-9)
    assert_close(gradient[0, 0] / (0.04 * (1 - math.exp(30.0)) / 12), 1.0, 1e-9)
    away = toy().replace(old_logprob=toy().logprob - 30.0)
    assert_close(find_method("grpo_paper").ratio(away) / math.exp(30.0), torch.ones(4, 3), 1e-9)


def test_dual_clip_bounds_what_a_bad_token_costs():
    batch = toy().replace(logprob=toy().old_logprob + 2.0)  # every ratio is e² = 7.4
    capped = dataclasses.replace(find_method("grpo"), surrogate=Clip(dual=3.0))
    _, gradient = loss_and_gradient(capped, batch)
    assert (gradient == 0).all()  # good tokens above 1.2, bad ones above 3
    loss, _ = loss_and_gradient(capped, batch)
    assert_close(loss, Z * (3.0 - 1.2) / 2)


def test_kl_in_the_reward_needs_the_reference():
    advantage = GroupZ(reward_kl=0.05)
    assert advantage.needs == {"old_logprob", "ref_logprob"}
    method = dataclasses.replace(find_method("grpo"), advantage=advantage)
    spent = REWARD - 0.05 * torch.tensor([0.10, -0.25, 0.15, -0.10], dtype=torch.float64)
    assert_close(advantage_rows(method, toy()), (spent - spent.mean()) / spent.std())


def test_bounds_of_fields_are_kept():
    with pytest.raises(ValueError, match=r"clip\.low = -0\.1"):
        Clip(low=-0.1)
    with pytest.raises(ValueError, match=r"k3\.coefficient"):
        K3(coefficient=-1.0)
    with pytest.raises(ValueError, match="no field 'epsilon'"):
        find_method("grpo").override({"surrogate": {"epsilon": 0.1}})
