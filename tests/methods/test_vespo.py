"""VESPO: the kernel by hand, where it peaks, and the same loss as TRL with and without its correction."""

import dataclasses
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.batches import World, assert_close, loss_and_gradient, toy
from tests.methods.test_against_trl import inputs, stand_in, trl  # noqa: F401
from workbench.method import advantages
from workbench.methods.vespo import GammaKernel, ProductRatio
from workbench.pieces.correction import Truncated
from workbench.registry import find_method
from workbench.types import Batch

VESPO = find_method("vespo")


def kernel(ratio: float, advantage: float) -> float:
    one = torch.ones(1, 1, dtype=torch.float64)
    batch = Batch(-one, -one, one == 1, one[0], torch.zeros(1).long())
    loss = GammaKernel()(batch, ratio * one, advantage * one)
    return loss.item() / advantage  # the log-prob is -1


def test_the_kernel_by_hand():
    """w² exp(3 (1 - w)) above 0: 4 exp(-3), .25 exp(1.5); w³ exp(2 (1 - w)) below: 8 exp(-2), .125 exp(1)."""
    assert_close([kernel(w, 1.0) for w in (1.0, 2.0, 0.5)], [1.0, 0.19915, 1.12042])
    assert_close([kernel(w, -1.0) for w in (1.0, 2.0, 0.5)], [1.0, 1.08268, 0.33979])


def test_the_product_by_hand():
    """The first rollout's log-ratios are .10, -.05, .30: exp(.35) = 1.41907, for each of its tokens."""
    assert_close(ProductRatio()(toy())[0], [1.41907] * 3)
    batch = toy().extend(engine_logprob=toy().old_logprob - 0.1)
    assert_close(ProductRatio(correction=Truncated())(batch)[0], [1.91554] * 3)  # exp(.35 + 3 · .1)


@given(ratio=st.floats(1e-3, 20), above=st.booleans())
def test_the_weight_is_bounded_by_that_at_its_peak(ratio, above):
    sign, peak = (1.0, 2 / 3) if above else (-1.0, 3 / 2)
    assert 0 <= kernel(ratio, sign) <= kernel(peak, sign) + 1e-12


def test_the_gradient_stops_at_the_weight():
    """-∂loss/∂logprob is kernel · advantage / tokens, equal for all tokens of a rollout: nothing through the ratio."""
    batch = World(12).batch(VESPO)
    _, gradient = loss_and_gradient(VESPO, batch)
    ratio = ProductRatio()(batch)
    for i, advantage in enumerate(advantages(VESPO, batch)[:, 0].tolist()):
        expected = -kernel(ratio[i, 0].item(), math.copysign(1.0, advantage)) * advantage / int(batch.mask.sum())
        assert_close(gradient[i][batch.mask[i]], [expected] * int(batch.mask[i].sum()), 1e-6)


@pytest.mark.parametrize("correction", [None, Truncated(cap=1.3), Truncated(cap=1.3, beyond="mask")])
def test_same_loss_and_gradient_as_trl(trl, correction):  # noqa: F811
    method = dataclasses.replace(VESPO, ratio=ProductRatio(correction=correction))
    batch = World(11).batch(method)
    given_weights = {}
    if correction is not None:
        noise = 0.3 * torch.randn(batch.mask.shape, generator=torch.Generator().manual_seed(1))
        batch = batch.extend(engine_logprob=batch.old_logprob - noise)
        given_weights = {"importance_sampling_ratio": torch.where(batch.mask, correction(batch), 1.0)}
    leaf = batch.logprob.detach().requires_grad_()
    trainer = stand_in(batch, leaf, loss_type="vespo", get_gamma_weights=trl.grpo.get_gamma_weights)
    for name, value in {"k_pos": 2.0, "lambda_pos": 3.0, "k_neg": 3.0, "lambda_neg": 2.0}.items():
        setattr(trainer.args, f"vespo_{name}", value)
    expected = trl.grpo._compute_loss(trainer, None, {**inputs(method, batch), **given_weights})
    (theirs,) = torch.autograd.grad(expected, [leaf])
    loss, gradient = loss_and_gradient(method, batch)
    assert_close(loss, expected.item(), 1e-6)
    torch.testing.assert_close(gradient, theirs, atol=1e-7, rtol=1e-5)


def test_its_correction_goes_through_a_config():
    method = VESPO.override({"ratio": {"correction": {"piece": "truncated", "cap": 3}}})
    assert method.ratio == ProductRatio(correction=Truncated(cap=3.0))
    assert "engine_logprob" in method.needs
    assert VESPO.override({"ratio": method.to_dict()["ratio"]}) == method
