"""Off-policy sequence masking: by hand, and the same rollouts as TRL's mask."""

import dataclasses

import pytest
import torch

from tests.batches import UNEQUAL, World, assert_close, loss_and_gradient, toy
from tests.methods.test_against_trl import inputs, stand_in, trl  # noqa: F401
from workbench.method import lens, settle
from workbench.methods.opsm import OffPolicySequenceMask
from workbench.pieces.correction import Truncated
from workbench.registry import find_method

OPSM = find_method("opsm")
DR = dataclasses.replace(OPSM, correction=None)


def test_by_hand():
    """Rewards 1, 0, 0, 1. The engine's log-prob exceeds the current by 2, .6, .4, 2 a token: the second is left out."""
    gap = torch.tensor([2.0, 0.6, 0.4, 2.0], dtype=torch.float64)
    batch = toy(mask=UNEQUAL)
    batch = batch.extend(engine_logprob=batch.logprob + gap[:, None])
    expected = lens(DR, batch)
    assert (expected[1, 0] != 0).all()
    expected[1] = 0
    assert_close(lens(OPSM, batch), expected, 1e-12)
    weighed = dataclasses.replace(OPSM, correction=OffPolicySequenceMask(importance=Truncated(cap=0.5)))
    assert_close(lens(weighed, batch), expected * Truncated(cap=0.5)(batch), 1e-12)


def test_unknown_log_probs_are_no_evidence():
    batch = toy()
    far = batch.logprob + 2.0
    unknown = torch.full_like(far, torch.nan)
    unknown[:, 0] = far[:, 0]  # mean over three tokens: 2 / 3 > .5; of one token alone it would be 2
    for threshold, kept in ((0.5, False), (0.7, True)):
        method = dataclasses.replace(OPSM, correction=OffPolicySequenceMask(threshold=threshold))
        settled = settle(method, batch.extend(engine_logprob=unknown))
        assert bool((settled.weight[1] != 0).all()) == kept


@pytest.mark.parametrize("threshold", [0.02, 0.2])
def test_same_loss_and_gradient_as_trl(trl, threshold):  # noqa: F811
    method = dataclasses.replace(OPSM, correction=OffPolicySequenceMask(threshold=threshold))
    batch = World(11).batch(method)
    noise = 0.5 * torch.randn(batch.mask.shape, generator=torch.Generator().manual_seed(4))
    batch = batch.extend(engine_logprob=batch.old_logprob + noise)
    leaf = batch.logprob.detach().requires_grad_()
    trainer = stand_in(batch, leaf, loss_type="dapo", off_policy_mask_threshold=threshold)
    trainer.get_off_policy_mask = trl.grpo.get_off_policy_mask
    given = {**inputs(method, batch), "sampling_per_token_logps": batch["engine_logprob"]}
    expected = trl.grpo._compute_loss(trainer, None, given)
    (theirs,) = torch.autograd.grad(expected, [leaf])
    loss, gradient = loss_and_gradient(method, batch)
    assert_close(loss, expected.item(), 1e-6)
    torch.testing.assert_close(gradient, theirs, atol=1e-7, rtol=1e-5)
    masked = (gradient == 0).all(1) & (batch.reward == 0)
    assert 0 < masked.sum() < (batch.reward == 0).sum()
