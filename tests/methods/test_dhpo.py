"""DHPO, worked by hand with bounds of 0.2 and 0.02."""

import dataclasses

import pytest
import torch

from tests.batches import ENTROPY, EQUAL, assert_close, loss_and_gradient, toy
from workbench.method import Method
from workbench.methods.dhpo import Hybrid, min_max_rows
from workbench.registry import find_method

BOUNDS = {"token_low": 0.2, "token_high": 0.2, "sequence_low": 0.02, "sequence_high": 0.02}


def hybrid(**fields: object) -> Method:
    return dataclasses.replace(find_method("dhpo"), surrogate=Hybrid(**BOUNDS, **fields))


def test_averaged():
    loss, gradient = loss_and_gradient(hybrid(), toy())
    assert_close(loss, 0.0092)
    assert_close(gradient[0], [-0.0399, -0.0343, 0.0])  # its sequence branch is clipped
    assert_close(gradient[1], [0.0796, 0.0355, 0.0734])  # the middle token learns through the sequence branch alone


def test_guided_by_entropy():
    loss, gradient = loss_and_gradient(hybrid(guide="entropy"), toy(old_entropy=ENTROPY))
    assert_close(loss, 0.03065)
    assert_close(gradient[3], [-0.0986, -0.0379, -0.0708])


@pytest.mark.parametrize(("share", "expected"), [(1.0, 0.00754), (0.0, 0.01086)])
def test_the_ends_of_the_mixture(share, expected):
    assert_close(loss_and_gradient(hybrid(share=share), toy())[0], expected)


def test_scaling_within_each_rollout():
    found = min_max_rows(ENTROPY, EQUAL)
    assert_close(found.amin(1), [0.0] * 4)
    assert_close(found.amax(1), [1.0] * 4)
    assert (min_max_rows(torch.ones(1, 2), EQUAL[:1, :2]) == 0.5).all()


def test_only_the_guided_form_needs_entropy():
    assert find_method("dhpo").needs == frozenset()
    assert find_method("dhpo_entropy").needs == {"old_entropy"}
