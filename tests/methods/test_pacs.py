"""PACS, worked by hand."""

import dataclasses
import math

import torch

from tests.batches import assert_close, loss_and_gradient, toy
from workbench.methods.pacs import Pacs
from workbench.registry import find_method

PACS = find_method("pacs")
ONE_RIGHT = torch.tensor([1.0, 0.0, 0.0, 0.0], dtype=torch.float64)
ALL_RIGHT = torch.ones(4, dtype=torch.float64)


def test_off_policy():
    loss, gradient = loss_and_gradient(PACS, toy())
    assert_close(loss, 0.67735)
    assert_close(gradient[:, 0], [-0.1364, 0.1529, 0.1728, -0.1893])


def test_on_policy_it_is_rloo():
    loss, gradient = loss_and_gradient(PACS, toy(on_policy=True))
    assert_close(loss, math.log(2))
    assert_close(gradient[:, 0], [-0.1667, 0.1667, 0.1667, -0.1667])
    assert_close(gradient, loss_and_gradient(find_method("rloo"), toy(on_policy=True))[1], 1e-12)


def test_a_rare_success_is_weighed_up():
    _, gradient = loss_and_gradient(PACS, toy(on_policy=True, reward=ONE_RIGHT))
    assert_close(gradient[:, 0], [-0.3333, 0.1111, 0.1111, 0.1111])
    plain = dataclasses.replace(PACS, surrogate=Pacs(balance=False))
    assert_close(
        loss_and_gradient(plain, toy(on_policy=True, reward=ONE_RIGHT))[1][:, 0], [-0.25, 0.0833, 0.0833, 0.0833]
    )


def test_a_group_without_contrast_is_evened_out_off_policy_alone():
    loss, gradient = loss_and_gradient(PACS, toy(on_policy=True, reward=ALL_RIGHT))
    assert_close(loss, math.log(2))
    assert_close(gradient, torch.zeros(4, 3), 1e-12)
    assert_close(loss_and_gradient(PACS, toy(reward=ALL_RIGHT))[1][:, 0], [0.0303, -0.0138, 0.0062, -0.0226])
