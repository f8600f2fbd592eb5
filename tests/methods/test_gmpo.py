"""GMPO: the clipped geometric mean by hand, and the same loss as TRL's experimental trainer."""

import dataclasses
import warnings

import pytest
import torch

from tests.batches import World, assert_close, loss_and_gradient, toy
from tests.methods.test_against_trl import inputs, stand_in
from workbench.methods.gmpo import GeometricClip
from workbench.pieces.ratio import SequenceRatio
from workbench.pieces.surrogate import Clip
from workbench.registry import find_method

GMPO = find_method("gmpo")


def test_by_hand():
    """Log-ratios .5, .1, -.6, bound .4: exp((.4 + .1 - .6) / 3) above 0, exp((.5 + .1 - .4) / 3) below."""
    logs = torch.tensor([[0.5, 0.1, -0.6]] * 2, dtype=torch.float64, requires_grad=True)
    advantage = torch.tensor([[2.0] * 3, [-2.0] * 3], dtype=torch.float64)
    batch = toy().rows(slice(0, 2))
    loss = GeometricClip()(batch, logs.exp(), advantage)
    assert_close(loss[:, 0], [-2 * 0.96722, 2 * 1.06894])
    (gradient,) = torch.autograd.grad(loss[:, 0].sum(), [logs])
    assert_close(gradient[0], [0.0, -0.64481, -0.64481])  # -2 · .96722 / 3; the clipped token has none
    assert_close(gradient[1], [0.71263, 0.71263, 0.0])  # 2 · 1.06894 / 3


def test_without_bounds_it_is_the_ratio_of_gspo():
    batch = World(12).batch(GMPO)
    wide = dataclasses.replace(GMPO, surrogate=GeometricClip(low=50.0, high=50.0))
    gspo = dataclasses.replace(GMPO, ratio=SequenceRatio(), surrogate=Clip(low=1.0, high=1e6))
    for actual, expected in zip(loss_and_gradient(wide, batch), loss_and_gradient(gspo, batch), strict=True):
        assert_close(actual, expected, 1e-6)


@pytest.mark.parametrize("bound", [0.4, 0.05])
def test_same_loss_and_gradient_as_trl(bound):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip("trl", reason="TRL is not installed (pip install -e '.[dev]')")
        from trl.experimental.gmpo import GMPOTrainer
    method = dataclasses.replace(GMPO, surrogate=GeometricClip(low=bound, high=bound))
    batch = World(11).batch(method)
    leaf = batch.logprob.detach().requires_grad_()
    trainer = stand_in(batch, leaf, epsilon_low=bound, epsilon_high=bound)
    expected = GMPOTrainer._compute_loss(trainer, None, inputs(method, batch))
    (theirs,) = torch.autograd.grad(expected, [leaf])
    loss, gradient = loss_and_gradient(method, batch)
    assert_close(loss, expected.item(), 1e-6)
    torch.testing.assert_close(gradient, theirs, atol=1e-7, rtol=1e-5)
    assert ((gradient == 0) & batch.mask).any()  # some token is clipped
