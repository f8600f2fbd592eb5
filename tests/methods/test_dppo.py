"""DPPO: the mask by hand for both divergences, which direction it stops, and its anchor."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.batches import World, assert_close, loss_and_gradient, toy
from workbench.methods.dppo import DivergenceMask, EngineRatio
from workbench.registry import find_method
from workbench.types import Batch

TV, KL = find_method("dppo_tv"), find_method("dppo_kl")


def weight(piece: DivergenceMask, p: float, q: float, advantage: float) -> float:
    """The weight of a token whose probability went from q to p."""
    one = torch.ones(1, 1, dtype=torch.float64)
    logprob = (p * one).log().requires_grad_()
    batch = Batch(logprob, (q * one).log(), one == 1, one[0], torch.zeros(1).long())
    loss = piece(batch, p / q * one, advantage * one)
    (gradient,) = torch.autograd.grad(loss.sum(), [logprob])
    return -gradient.item() / advantage


def test_total_variation_by_hand():
    """.5 -> .7 moved by .2 > .15, .5 -> .6 by .1; .02 -> .06 trebled the ratio and moved by .04."""
    piece = DivergenceMask()
    assert weight(piece, 0.7, 0.5, 1.0) == 0.0
    assert_close(weight(piece, 0.7, 0.5, -1.0), 1.4)  # the update leads back
    assert_close(weight(piece, 0.6, 0.5, 1.0), 1.2)
    assert_close(weight(piece, 0.06, 0.02, 1.0), 3.0)
    assert weight(piece, 0.3, 0.5, -1.0) == 0.0
    assert_close(weight(piece, 0.3, 0.5, 1.0), 0.6)
    assert_close(weight(DivergenceMask(cap=2.0), 0.06, 0.02, 1.0), 2.0)


def test_kl_by_hand():
    """.5 ln(.5/.7) + .5 ln(.5/.3) = .08718 > .05; .02 ln(.02/.06) + .98 ln(.98/.94) = .01887."""
    piece = KL.surrogate
    one = torch.ones(1, 1, dtype=torch.float64)
    assert_close(piece.distance(0.7 * one, 0.5 * one, 1.4 * one), [[0.08718]])
    assert_close(piece.distance(0.06 * one, 0.02 * one, 3.0 * one), [[0.01887]])
    assert weight(piece, 0.7, 0.5, 1.0) == 0.0
    assert_close(weight(piece, 0.7, 0.5, -1.0), 1.4)
    assert_close(weight(piece, 0.06, 0.02, 1.0), 3.0)


@pytest.mark.parametrize("divergence", ["tv", "kl"])
@given(p=st.floats(1e-4, 0.9999), q=st.floats(1e-4, 0.9999), advantage=st.sampled_from([-1.0, 1.0]))
def test_only_what_leads_away_is_stopped(divergence, p, q, advantage):
    found = weight(DivergenceMask(divergence=divergence, low=0.01, high=0.01, cap=1e6), p, q, advantage)
    if found == 0:
        assert (p - q) * advantage > 0
    else:
        assert found == pytest.approx(p / q, rel=1e-6)


def test_the_anchor_is_the_engine_where_it_is_known():
    batch = toy().extend(engine_logprob=toy().old_logprob - 0.2)
    assert_close(EngineRatio()(batch)[0, 0], math.exp(0.1 + 0.2))
    unknown = batch.extend(engine_logprob=torch.full_like(batch.logprob, torch.nan))
    assert_close(EngineRatio()(unknown)[0, 0], math.exp(0.1))


def test_a_certain_token_is_no_trouble():
    piece = KL.surrogate
    one = torch.ones(1, 1)
    assert piece.distance(one, one, one).isfinite().all()
    assert piece.distance(one, one * 1e-26, one * 1e26).isfinite().all()


@pytest.mark.parametrize("method", [TV, KL], ids=["tv", "kl"])
def test_the_loss_of_a_batch_in_plain_loops(method):
    """The arithmetic of verl's two functions, token by token; budget 14, 13 rollouts."""
    batch = World(11).batch(method)
    noise = 0.8 * torch.randn(batch.mask.shape, generator=torch.Generator().manual_seed(2))
    batch = batch.extend(engine_logprob=(batch.old_logprob - noise).clamp(max=-1e-3))
    limit, total, stopped = method.surrogate.high, 0.0, 0
    for i in range(len(batch.mask)):
        group = batch.reward[batch.group == batch.group[i]]
        advantage = (batch.reward[i] - group.mean()).item()
        for t in range(int(batch.mask[i].sum())):
            p, q = math.exp(batch.logprob[i, t]), math.exp(batch["engine_logprob"][i, t])
            far = abs(p - q)
            if method is KL:
                far = q * math.log(q / p) + (1 - q) * math.log((1 - q) / (1 - p))
            if far > limit and (p - q) * advantage > 0:
                stopped += 1
                continue
            total -= min(p / q, 20.0) * advantage * batch.logprob[i, t].item()
    assert stopped >= 3
    assert_close(loss_and_gradient(method, batch)[0], total / (13 * 14), 1e-6)
