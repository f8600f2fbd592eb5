"""SAPO: the gate by hand, its gradient as a property, and the same loss as TRL."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.batches import World, assert_close, loss_and_gradient, toy
from tests.methods.test_against_trl import inputs, stand_in, trl  # noqa: F401
from workbench.methods.sapo import SoftGate
from workbench.registry import find_method

SAPO = find_method("sapo")


def test_the_gate_by_hand():
    """tau = 1: sigmoid(0) = .5, sigmoid(.5) = .62246; tau = 1.05: sigmoid(.525) = .62832, sigmoid(-.525) = .37168."""
    ratio = torch.tensor([[1.0, 1.5, 0.5]] * 2, dtype=torch.float64)
    advantage = torch.tensor([[2.0] * 3, [-2.0] * 3], dtype=torch.float64)
    loss = SoftGate()(toy(), ratio, advantage)
    assert_close(loss[0], [-4.0, -4.97967, -3.02033])  # -4 / 1 · gate · 2
    assert_close(loss[1], [3.80952, 4.78717, 2.83188])  # 4 / 1.05 · gate · 2


@given(log=st.floats(-6, 6), advantage=st.sampled_from([-1.5, 0.7]), tau=st.floats(0.1, 8))
def test_the_gradient_is_the_unclipped_one_faded(log, advantage, tau):
    """ratio · advantage / cosh²(tau / 2 · (ratio - 1)): all of it at a ratio of 1, never of the other sign."""
    x = torch.tensor([[log]], dtype=torch.float64, requires_grad=True)
    given_advantage = torch.full((1, 1), advantage, dtype=torch.float64)
    loss = SoftGate(positive=tau, negative=tau)(toy(), x.exp(), given_advantage)
    (gradient,) = torch.autograd.grad(loss.sum(), [x])
    ratio = x.detach().exp()
    expected = -ratio * advantage / torch.cosh((tau / 2 * (ratio - 1)).clamp(-300, 300)) ** 2
    torch.testing.assert_close(gradient, expected, atol=1e-9, rtol=1e-6)


def test_same_loss_and_gradient_as_trl(trl):  # noqa: F811
    batch = World(11).batch(SAPO)
    leaf = batch.logprob.detach().requires_grad_()
    trainer = stand_in(batch, leaf, loss_type="sapo")
    trainer.args.sapo_temperature_pos, trainer.args.sapo_temperature_neg = 1.0, 1.05
    expected = trl.grpo._compute_loss(trainer, None, inputs(SAPO, batch))
    (theirs,) = torch.autograd.grad(expected, [leaf])
    loss, gradient = loss_and_gradient(SAPO, batch)
    assert_close(loss, expected.item(), 1e-6)
    torch.testing.assert_close(gradient, theirs, atol=1e-7, rtol=1e-5)
