"""PPO's advantages and value loss, worked by hand."""

import dataclasses

import torch

from tests.batches import EQUAL, REWARD, assert_close, loss_and_gradient, toy
from workbench.method import advantages, lens_all
from workbench.methods.ppo import Gae, ValueLoss, generalised
from workbench.registry import find_method

OLD_VALUE = torch.tensor([[0.5, 0.6, 0.8], [0.5, 0.4, 0.1], [0.5, 0.5, 0.3], [0.5, 0.3, 0.6]], dtype=torch.float64)
MOVE = torch.tensor([[0.3, 0.1, 0.1], [-0.2, -0.3, 0.0], [0.0, -0.6, -0.1], [0.2, 0.3, 0.1]], dtype=torch.float64)
LAST = torch.zeros(4, 3, dtype=torch.float64)
LAST[:, -1] = REWARD
PPO = find_method("ppo")
LAMBDA95 = dataclasses.replace(
    PPO, advantage=Gae(decay=0.95), regularisers=(ValueLoss(decay=0.95, clip=0.2, coefficient=1.0),)
)


def values(batch_value=OLD_VALUE):
    return toy(old_value=OLD_VALUE, value=batch_value)


def test_without_decay_the_return_is_the_reward():
    found = generalised(LAST, OLD_VALUE, EQUAL, 1.0, 1.0)
    assert_close(found[0], [0.5, 0.4, 0.2])
    assert_close(found[3], [0.5, 0.7, 0.4])
    assert_close(found + OLD_VALUE, REWARD[:, None].expand(4, 3))


def test_with_decay():
    found = generalised(LAST, OLD_VALUE, EQUAL, 1.0, 0.95)
    assert_close(found[0], [0.4705, 0.3900, 0.2000])
    assert_close(found[1], [-0.4752, -0.3950, -0.1000])
    assert_close((found + OLD_VALUE)[0], [0.9705, 0.9900, 1.0])


def test_whitened():
    assert_close(advantages(LAMBDA95, values())[0], [0.9938, 0.8118, 0.3823])
    assert_close(advantages(PPO, values())[1], [-1.1547, -0.9382, -0.2887])


def test_a_token_that_is_not_trained_is_stepped_over():
    gap = EQUAL.clone()
    gap[:, 1] = False
    reward = LAST.clone()
    found = generalised(reward, OLD_VALUE, gap, 1.0, 0.95)
    short = generalised(reward[:, [0, 2]], OLD_VALUE[:, [0, 2]], EQUAL[:, :2], 1.0, 0.95)
    assert_close(found[:, [0, 2]], short, 1e-12)
    assert (found[:, 1] == 0).all()


def test_value_loss_clipped_and_free():
    policy = loss_and_gradient(dataclasses.replace(LAMBDA95, regularisers=()), values())[0]
    assert_close(policy, 0.02021)
    assert_close(loss_and_gradient(LAMBDA95, values(OLD_VALUE + MOVE))[0] - policy, 0.0419)
    free = dataclasses.replace(LAMBDA95, regularisers=(ValueLoss(decay=0.95, clip=None, coefficient=1.0),))
    assert_close(loss_and_gradient(free, values(OLD_VALUE + MOVE))[0] - policy, 0.03243)


def test_the_critic_is_pulled_to_the_return():
    push = lens_all(PPO, values())["value"]
    assert (push[0] > 0).all()  # right: values below 1 rise
    assert (push[1] < 0).all()


def test_it_declares_its_head():
    (head,) = PPO.heads
    assert (head.name, head.detach) == ("value", False)
    assert PPO.needs == {"value", "old_value"}
