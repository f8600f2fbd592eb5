"""Dr. GRPO, GSPO, CISPO, RLOO: each worked by hand on the toy group."""

import dataclasses

import torch

from tests.batches import UNEQUAL, advantage_rows, assert_close, loss_and_gradient, toy
from workbench.methods.cispo import Cispo
from workbench.pieces.advantage import LeaveOneOut
from workbench.pieces.ratio import SequenceRatio
from workbench.pieces.reduction import FixedLength
from workbench.pieces.surrogate import Clip
from workbench.registry import find_method


def test_dr_grpo_divides_by_the_budget_alone():
    loss, gradient = loss_and_gradient(find_method("dr_grpo"), toy(mask=UNEQUAL))
    assert_close(advantage_rows(find_method("dr_grpo"), toy()), [0.5, -0.5, -0.5, 0.5])
    assert_close(loss, -0.11363)
    assert_close(gradient[0], [-0.0460, -0.0396, 0.0])
    assert_close(gradient[1], [0.0509, 0.0, 0.0])
    assert_close(gradient[3], [-0.0425, -0.0417, -0.0359])


def test_dr_grpo_with_a_constant_of_its_own():
    method = dataclasses.replace(find_method("dr_grpo"), reduction=FixedLength(length=6))
    assert_close(loss_and_gradient(method, toy(mask=UNEQUAL))[0], -0.11363 / 2)


def test_gspo_clips_whole_rollouts():
    loss, gradient = loss_and_gradient(find_method("gspo"), toy())
    assert_close(loss, 0.01862)
    assert_close(gradient[:, 0], [0.0, 0.0, 0.0754, -0.0691])
    assert_close(gradient[:, 0], gradient[:, 2])


def test_gspo_with_wide_bounds():
    method = dataclasses.replace(find_method("gspo"), surrogate=Clip())
    loss, gradient = loss_and_gradient(method, toy())
    assert_close(loss, -0.0116)
    assert_close(gradient[:, 1], [-0.0811, 0.0710, 0.0754, -0.0691])
    loss, gradient = loss_and_gradient(method, toy(mask=UNEQUAL))
    assert_close(loss, 0.04719)
    assert_close(gradient[:, 0], [-0.0811, 0.2644, 0.1167, -0.0691])


def test_gspo_token_has_the_same_gradient_where_advantages_are_equal():
    method = find_method("gspo")
    token = dataclasses.replace(method, ratio=SequenceRatio(own_gradient=True))
    expected, actual = (loss_and_gradient(each, toy(mask=UNEQUAL)) for each in (method, token))
    assert_close(actual[0], expected[0], 1e-12)
    assert_close(actual[1], expected[1], 1e-12)


def test_cispo_never_silences_a_token():
    relative = dataclasses.replace(find_method("cispo"), surrogate=Cispo(low=10.0, high=0.2))  # verl's
    loss, gradient = loss_and_gradient(relative, toy())
    assert_close(loss, -0.02359)
    assert_close(gradient[0], [-0.0798, -0.0686, -0.0866])
    assert_close(gradient[1], [0.0866, 0.0535, 0.0759])
    assert (gradient != 0).all()
    assert_close(loss_and_gradient(find_method("cispo"), toy())[1], gradient)  # low 10 is as good as none


def test_cispo_with_an_absolute_bound():
    absolute = dataclasses.replace(find_method("cispo"), surrogate=Cispo(high=5.0, absolute=True))  # TRL's
    assert_close(loss_and_gradient(absolute, toy())[0], -0.02722)


def test_rloo_takes_the_answer_as_one_action():
    loss, gradient = loss_and_gradient(find_method("rloo"), toy())
    assert_close(advantage_rows(find_method("rloo"), toy()), [2 / 3, -2 / 3, -2 / 3, 2 / 3])
    assert_close(loss, 0.00199)
    assert_close(gradient[:, 0], [0.0, 0.1585, 0.1898, -0.1463])  # the first one's ratio is 1.42: clipped
    assert_close(gradient[:, 0], gradient[:, 2])


def test_rloo_with_kl_in_the_reward():
    method = dataclasses.replace(find_method("rloo"), advantage=LeaveOneOut(reward_kl=0.05))
    assert_close(advantage_rows(method, toy()), [0.6583, -0.6517, -0.6783, 0.6717])


def test_rloo_with_a_lone_judged_rollout_says_nothing():
    nan = float("nan")
    reward = torch.tensor([1.0, nan, nan, nan], dtype=torch.float64)
    assert_close(advantage_rows(find_method("rloo"), toy(reward=reward)), [0.0, 0.0, 0.0, 0.0])


def test_rloo_token_by_token_uses_ordinary_ratios():
    scale = (2 / 3) / 0.8660254  # GRPO's gradient with another advantage
    expected = loss_and_gradient(find_method("grpo"), toy())[1] * scale
    assert_close(loss_and_gradient(find_method("rloo_token"), toy())[1], expected, 1e-6)
