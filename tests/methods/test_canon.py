"""CANON, worked by hand."""

import dataclasses

import pytest
import torch

from tests.batches import advantage_rows, assert_close, toy
from workbench.method import Method
from workbench.methods.canon import OtherHalf, upper_half
from workbench.registry import find_method
from workbench.types import Batch

SPLIT = [0.9, 0.2, 0.4, 0.8]  # the right ones are the undecided ones
MIXED = [0.9, 0.8, 0.2, 0.4]


def canon(**fields: object) -> Method:
    return dataclasses.replace(find_method("canon"), advantage=OtherHalf(**fields))


def batch(entropies: list[float]) -> Batch:
    return toy(old_entropy=torch.tensor(entropies, dtype=torch.float64)[:, None].expand(4, 3))


@pytest.mark.parametrize(
    ("entropies", "share", "expected"),
    [
        (SPLIT, 1.0, [1.0, -1.0, -1.0, 1.0]),
        (SPLIT, 0.0, [0.0, 0.0, 0.0, 0.0]),
        (SPLIT, 0.5, [0.5, -0.5, -0.5, 0.5]),
        (MIXED, 1.0, [0.5, -0.5, -0.5, 0.5]),
        (MIXED, 0.0, [0.5, -0.5, -0.5, 0.5]),
    ],
)
def test_between_and_within_halves(entropies, share, expected):
    assert_close(advantage_rows(canon(share=share), batch(entropies)), expected)


def test_half_and_half_is_dr_grpo():
    assert_close(advantage_rows(canon(share=0.5), batch(MIXED)), advantage_rows(find_method("dr_grpo"), toy()))


def test_the_share_may_follow_the_reward():
    assert_close(advantage_rows(canon(follow=True), batch(SPLIT)), [0.5, -0.5, -0.5, 0.5])
    assert canon(follow=True).advantage.over_batch
    assert not canon().advantage.over_batch


@pytest.mark.parametrize(
    ("discourage", "expected"),
    [(1.0, [0.666667, 0.666667, -1.0, 0.0, -1.0]), (0.9, [0.7, 0.7, -1.0, -0.1, -1.0])],
)
def test_an_odd_group_by_length(discourage, expected):
    zeros = torch.zeros(5, 5, dtype=torch.float64)
    five = Batch(
        logprob=zeros,
        old_logprob=zeros,
        mask=torch.ones(5, 5, dtype=torch.bool).tril(),  # lengths 1 to 5
        reward=torch.tensor([1.0, 1.0, 0.0, 1.0, 0.0], dtype=torch.float64),
        group=torch.zeros(5, dtype=torch.long),
    )
    assert_close(advantage_rows(canon(by="length", discourage=discourage), five), expected, 1e-6)


def test_an_unscored_rollout_is_in_neither_half():
    metric = torch.tensor([1.0, float("nan"), 2.0, 3.0, 4.0])
    assert upper_half(metric, torch.zeros(5, dtype=torch.long)).tolist() == [False, False, False, True, True]


def test_a_lone_rollout_is_compared_with_nothing():
    nan = float("nan")
    lone = batch(SPLIT).replace(reward=torch.tensor([1.0, nan, nan, nan], dtype=torch.float64))
    assert_close(advantage_rows(canon(), lone), [0.0, 0.0, 0.0, 0.0])
