"""DGPO, worked by hand over four groups: mixed, hard, all right, all wrong."""

import torch

from tests.batches import advantage_rows, assert_close
from workbench.method import settle
from workbench.registry import find_method
from workbench.types import Batch

DGPO = find_method("dgpo")
REWARD = torch.tensor([1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0], dtype=torch.float64)
LENGTHS = torch.tensor([4, 3, 2, 1, 1, 2, 3, 4, 2, 2, 2, 2, 4, 4, 4, 4])


def batch(rows: slice = slice(0, 16)) -> Batch:
    zeros = torch.zeros(16, 4, dtype=torch.float64)
    full = Batch(
        logprob=zeros,
        old_logprob=zeros,
        mask=torch.arange(4)[None] < LENGTHS[:, None],
        reward=REWARD,
        group=torch.repeat_interleave(torch.arange(4), 4),
    )
    return full.rows(rows)


def test_equal_update_size_and_a_weight_for_difficulty():
    found = advantage_rows(DGPO, batch())
    assert_close(found[:4], [0.937534, -0.937534, -0.937534, 0.937534], 1e-6)
    assert_close(found[4:8], [2.124696, -0.708232, -0.708232, -0.708232], 1e-6)
    assert found[8:] == [0.0] * 8


def test_one_mixed_group_has_weight_one():
    assert_close(advantage_rows(DGPO, batch(slice(4, 12)))[:4], [1.999867, -0.666622, -0.666622, -0.666622], 1e-6)


def test_no_mixed_group_is_no_error():
    assert advantage_rows(DGPO, batch(slice(8, 16))) == [0.0] * 8


def test_only_tokens_of_mixed_groups_are_averaged_over():
    weight = settle(DGPO, batch()).weight
    assert (weight[8:] == 0).all()
    assert_close(weight[weight > 0], torch.full((20,), 1 / 20))
