"""VIMPO, worked by hand."""

import dataclasses

import pytest
import torch

from tests.batches import assert_close, loss_and_gradient, toy
from workbench.method import advantages, lens_all
from workbench.methods.vimpo import ImplicitDifference, TerminalValue
from workbench.registry import find_method
from workbench.types import Batch

KL = torch.tensor([[0.05, 0.02, 0.04], [0.03, 0.01, 0.06], [0.02, 0.05, 0.02], [0.06, 0.0, 0.03]], dtype=torch.float64)
VIMPO = find_method("vimpo")


def value_alone(beta: float) -> object:
    return dataclasses.replace(VIMPO, surrogate_weight=0.0, regularisers=(TerminalValue(beta=beta),))


def batch(**changes: object) -> Batch:
    return toy(kl=KL, old_kl=KL).replace(**changes)


@pytest.mark.parametrize(
    ("beta", "loss", "gradient"),
    [
        (0.5, 0.12357, [-0.04125, 0.0375, 0.074375, -0.0825]),
        (5e-4, 0.124986, [-6.247875e-05, 6.2475e-05, 6.2511875e-05, -6.252e-05]),
    ],
)
def test_value_loss(beta, loss, gradient):
    found, push = loss_and_gradient(value_alone(beta), batch())
    assert_close(found, loss, 6e-6)
    assert_close(push[:, 0], gradient, 1e-9)
    assert_close(push[:, 2], gradient, 1e-9)


@pytest.mark.parametrize(("beta", "expected"), [(0.5, [1.3670, 0.5197, 1.0958]), (5e-4, [1.1315, 0.4302, 0.9071])])
def test_actor_advantage_and_what_the_eps_of_whitening_does(beta, expected):
    method = dataclasses.replace(VIMPO, advantage=ImplicitDifference(beta=beta))
    assert_close(advantages(method, batch(old_logprob=toy().logprob))[0], expected)


def test_a_group_all_right_is_pulled_to_the_reference():
    right = torch.ones(4, dtype=torch.float64)
    loss, _ = loss_and_gradient(value_alone(0.5), batch(reward=right))
    assert_close(loss, 0.01294)


def test_the_gradient_stops_at_the_exact_divergence():
    assert VIMPO.needs == {"old_logprob", "ref_logprob", "kl", "old_kl"}
    assert (lens_all(VIMPO, batch())["kl"] == 0).all()
