"""Clip-Cov and KL-Cov: the covariance and the choice by hand, and that the choice depends on the rollouts alone."""

import dataclasses

import pytest
import torch

from tests.batches import World, assert_close, loss_and_gradient, probable, toy
from workbench.method import advantages, settle
from workbench.methods.clip_cov import ClipCov, KlCov, chosen, covariance
from workbench.ops import sanitise
from workbench.pieces.surrogate import Clip
from workbench.registry import find_method

CLIP, KL = find_method("clip_cov"), find_method("kl_cov")
#: Two rollouts of two tokens: log-probs and the advantages 1 and -1.
SMALL = probable().rows(slice(0, 2)).replace(mask=torch.tensor([[True, True, False]] * 2))


def test_the_covariance_by_hand():
    """Log-probs -1, -2 | -3, -6, mean -3; advantages 1, -1, mean 0: 2, 1 | 0, 3."""
    logprob = torch.tensor([[-1.0, -2.0, 7.0], [-3.0, -6.0, 7.0]], dtype=torch.float64)
    advantage = torch.tensor([[1.0, 1.0, 0.0], [-1.0, -1.0, 0.0]], dtype=torch.float64)
    found = covariance(SMALL.replace(logprob=logprob), advantage)
    assert_close(found[:, :2], [[2.0, 1.0], [0.0, 3.0]])


def test_the_sum_of_the_terms_is_the_covariance():
    batch = sanitise(World(3).batch(KL))
    advantage = advantages(KL, batch)
    pairs = torch.stack([advantage[batch.mask], batch.logprob[batch.mask]]).double()
    mean = covariance(batch, advantage)[batch.mask].mean()
    assert_close(mean, torch.cov(pairs, correction=0)[0, 1], 1e-7)


def test_the_penalty_by_hand():
    """Log-ratios .2 on the chosen token; the first token's covariance is highest of the four."""
    old = torch.tensor([[-1.0, -2.0, 7.0], [-3.0, -3.1, 7.0]], dtype=torch.float64)
    new = old + torch.tensor([[0.2, 0.0, 0.0], [0.0, 0.0, 0.0]], dtype=torch.float64)
    batch = SMALL.replace(logprob=new, old_logprob=old)
    loss, gradient = loss_and_gradient(dataclasses.replace(KL, surrogate=KlCov(share=0.25)), batch)
    # advantages ±.70711; -(1.2214 + 1) · .70711 + 2 · .70711 + |.2|, over 4 tokens
    assert_close(loss, (-(1.2214 + 1) * 0.70711 + 2 * 0.70711 + 0.2) / 4)
    assert_close(gradient[0, :2], [(-1.2214 * 0.70711 + 1) / 4, -0.70711 / 4])
    assert_close(gradient[1, :2], [0.70711 / 4] * 2)


def test_left_out_tokens_have_neither_loss_nor_gradient():
    batch = World(7).batch(CLIP)
    piece = ClipCov(share=1.0, least=0.1, most=5.0)
    method = dataclasses.replace(CLIP, surrogate=piece)
    out = settle(method, batch).constants["surrogate"]["left_out"]
    terms = covariance(sanitise(batch), advantages(method, batch))
    assert 3 < out.sum() < batch.mask.sum()
    assert ((terms[out] > 0.1) & (terms[out] < 5.0)).all()
    _, gradient = loss_and_gradient(method, batch)
    _, plain = loss_and_gradient(dataclasses.replace(CLIP, surrogate=Clip(1.0, 1.0)), batch)
    assert (gradient[out] == 0).all()
    torch.testing.assert_close(gradient[~out], plain[~out])


def test_a_clipped_token_is_not_drawn():
    """The ratio of the first token is beyond 1.2: PPO's clip has it already."""
    batch = toy()
    method = dataclasses.replace(CLIP, surrogate=ClipCov(share=1.0, least=-9.0, most=9.0, low=0.2, high=0.2))
    out = settle(method, batch).constants["surrogate"]["left_out"]
    ratio = (batch.logprob - batch.old_logprob).exp()
    clipped = torch.where(advantages(method, batch) > 0, ratio > 1.2, ratio < 0.8)
    assert clipped.any()
    assert (out == ~clipped).all()


@pytest.mark.parametrize("share", [1e-6, 0.1, 0.3])
def test_the_share_is_kept_among_equals_and_the_order_does_not_matter(share):
    batch = sanitise(World(4).batch(KL))
    even = torch.zeros_like(batch.logprob)
    found = chosen(batch, batch.mask, even, share)
    assert found.sum() == max(1, int(share * int(batch.mask.sum())))
    order = torch.randperm(len(batch.mask), generator=torch.Generator().manual_seed(1))
    turned = batch.rows(order)
    assert torch.equal(chosen(turned, turned.mask, even, share), found[order])


def test_another_step_draws_others_and_none_is_preferred():
    batch = sanitise(World(4).batch(KL))
    even = torch.zeros_like(batch.logprob)
    drawn = torch.stack([chosen(batch.replace(step=step), batch.mask, even, 0.2) for step in range(400)]).double()
    often = drawn.mean(0)[batch.mask]
    share = int(0.2 * int(batch.mask.sum())) / int(batch.mask.sum())
    assert (often - share).abs().max() < 0.1  # five standard deviations


def test_nothing_to_choose_is_nothing_chosen():
    batch = sanitise(World(4).batch(KL))
    assert not chosen(batch, torch.zeros_like(batch.mask), torch.zeros_like(batch.logprob), 0.5).any()
