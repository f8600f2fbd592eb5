"""STEER, worked by hand."""

import dataclasses

import pytest
import torch
from torch.nn.functional import softmax

from tests.batches import ENTROPY, assert_close, loss_and_gradient, toy
from workbench.method import advantages, settle
from workbench.methods.steer import EntropySteady, change
from workbench.pieces.surrogate import Clip
from workbench.registry import find_method

STEER = find_method("steer")
BATCH = toy(old_entropy=ENTROPY)


def weights(**fields: object) -> torch.Tensor:
    return settle(dataclasses.replace(STEER, reduction=EntropySteady(**fields)), BATCH).weight * 12


def test_change_of_entropy():
    found = change(BATCH, advantages(STEER, BATCH))
    assert_close(found[0], [0.1578, 0.0882, 0.0111])
    assert_close(found[1], [-0.2497, 0.0289, 0.1171])
    assert_close(found.abs().max(), 0.2923)


@pytest.mark.parametrize(
    ("fields", "first", "third"),
    [
        ({}, [0.8865, 0.9349, 0.9915], [0.9846, 0.8, 0.9397]),
        ({"lowest": 0.7}, [0.8249, 0.8980, 0.9865], [0.9755, 0.7, 0.9053]),
        ({"form": "linear"}, [0.9855, 1.0814, 1.1876], [1.1749, 0.8, 1.0906]),
    ],
)
def test_weights(fields, first, third):
    found = weights(**fields)
    assert_close(found[0], first)
    assert_close(found[2], third)


def test_weighted_loss():
    plain = dataclasses.replace(STEER, surrogate=Clip(low=0.2, high=0.28))
    loss, gradient = loss_and_gradient(plain, BATCH)
    assert_close(loss, -0.02652)
    assert_close(gradient[0], [-0.0707, -0.0642, 0.0])


def test_a_positive_change_means_that_entropy_falls():
    logits = torch.tensor([1.2, 0.3, -0.5, -1.0], dtype=torch.float64)
    p = softmax(logits, 0)
    entropy = -(p * p.log()).sum()
    step = 1e-4 * (torch.eye(4, dtype=torch.float64)[0] - p)  # a push on symbol 0 with advantage 1
    moved = softmax(logits + step, 0)
    after = -(moved * moved.log()).sum()
    own = p[0] * (1 - p[0]) * (p[0].log() + entropy)
    assert own > 0
    assert after < entropy
    assert_close(own, 0.1311)  # all terms together: 0.1721
    assert_close((entropy - after) / 1e-4, 0.1721)
