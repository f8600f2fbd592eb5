"""REINFORCE++ in both forms, worked by hand."""

import dataclasses

import torch

from tests.batches import DIFFERENCE, EQUAL, OLD, REF, UNEQUAL, advantage_rows, assert_close, loss_and_gradient, toy
from workbench.method import advantages
from workbench.methods.reinforce_pp import WhitenedReturn
from workbench.registry import find_method
from workbench.types import Batch


def two_groups(mask: torch.Tensor = EQUAL) -> Batch:
    """The toy group, and one where all is right."""
    reward = torch.tensor([1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0], dtype=torch.float64)
    return Batch(
        logprob=(OLD + DIFFERENCE).repeat(2, 1),
        old_logprob=OLD.repeat(2, 1),
        mask=torch.cat([mask, EQUAL]),
        reward=reward,
        group=torch.tensor([0] * 4 + [1] * 4),
    )


def test_whitened_over_the_batch():
    method = find_method("reinforce_pp")
    assert_close(advantage_rows(method, toy()), [0.9574, -0.9574, -0.9574, 0.9574])
    assert_close(advantage_rows(method, toy(mask=UNEQUAL)), [0.6667, -1.3333, -1.3333, 0.6667])
    population = dataclasses.replace(method, advantage=WhitenedReturn(population=True))
    assert_close(advantage_rows(population, toy()), [1.0, -1.0, -1.0, 1.0])
    loss, gradient = loss_and_gradient(method, toy())
    assert_close(loss, 0.00833)
    assert_close(gradient[0], [-0.0882, -0.0759, 0.0])


def test_kl_in_each_tokens_reward():
    method = dataclasses.replace(find_method("reinforce_pp"), advantage=WhitenedReturn(reward_kl=0.1))
    assert method.needs == {"old_logprob", "ref_logprob"}
    found = advantages(method, toy())
    assert_close(found[0], [0.9377, 0.9764, 0.9571])
    assert_close(found[1], [-0.9265, -0.9361, -0.9168])
    assert (toy()["ref_logprob"] == REF).all()


def test_discount_weakens_early_tokens():
    method = dataclasses.replace(find_method("reinforce_pp"), advantage=WhitenedReturn(discount=0.5))
    found = advantages(method, toy())[0]
    assert found[0] < found[1] < found[2]


def test_a_group_that_is_all_right():
    plain, baseline = find_method("reinforce_pp"), find_method("reinforce_pp_baseline")
    assert_close(advantage_rows(plain, two_groups()), [0.5652, -1.6956, -1.6956, 0.5652] + [0.5652] * 4)
    assert_close(advantage_rows(baseline, two_groups()), [1.3844, -1.3844, -1.3844, 1.3844] + [0.0] * 4)
    assert_close(advantage_rows(baseline, two_groups(UNEQUAL)), [1.3093, -1.7457, -1.7457, 1.3093] + [-0.2182] * 4)
