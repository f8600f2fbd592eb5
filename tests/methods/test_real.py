"""REAL, worked by hand."""

import dataclasses
import math

import pytest
import torch

from tests.batches import assert_close, loss_and_gradient, toy
from workbench.methods.real import Real
from workbench.registry import find_method

REAL = find_method("real")
ONE_RIGHT = torch.tensor([1.0, 0.0, 0.0, 0.0], dtype=torch.float64)


def test_off_policy():
    loss, gradient = loss_and_gradient(REAL, toy())
    assert_close(loss, 2.17631)
    assert_close(3 * gradient[:, 0], [-0.5495, 0.6326, 0.7133, -0.7567])
    assert_close(gradient[:, 0], gradient[:, 2])


def test_on_policy_the_push_is_bounded_by_the_anchors():
    loss, gradient = loss_and_gradient(REAL, toy(on_policy=True))
    assert_close(loss, 2 * math.log(3))
    assert_close(3 * gradient[:, 0], [-2 / 3, 2 / 3, 2 / 3, -2 / 3])  # (1 / 0.5) / (1 + 2)


def test_a_rare_success_counts_for_as_much_as_its_siblings():
    _, gradient = loss_and_gradient(REAL, toy(on_policy=True, reward=ONE_RIGHT))
    assert_close(3 * gradient[:, 0], [-1.0, 0.5, 0.5, 0.5])


@pytest.mark.parametrize(("style", "expected"), [("bce", 0.68368), ("product", 1.58382)])
def test_other_styles(style, expected):
    method = dataclasses.replace(REAL, surrogate=Real(style=style))
    assert_close(loss_and_gradient(method, toy())[0], expected)


def test_bce_gradient():
    method = dataclasses.replace(REAL, surrogate=Real(style="bce"))
    assert_close(3 * loss_and_gradient(method, toy())[1][:, 0], [-0.2210, 0.2458, 0.2608, -0.2608])


def test_questions_without_contrast_count_in_the_mean():
    batch = toy()
    double = batch.replace(
        **{name: torch.cat([getattr(batch, name)] * 2) for name in ("logprob", "old_logprob", "mask")},
        reward=torch.cat([batch.reward, torch.ones(4, dtype=torch.float64)]),
        correct=torch.cat([batch.correct, torch.ones(4, dtype=torch.float64)]),
        group=torch.tensor([0] * 4 + [1] * 4),
        problem=torch.tensor([0] * 4 + [1] * 4),
        extras={},
    )
    assert_close(loss_and_gradient(REAL, double)[0], 2.17631 / 2)
