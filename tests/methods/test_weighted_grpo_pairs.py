"""Weighted GRPO on a pair, worked by hand: (1, 0, 0, 0) and (1, 1, 1, 0)."""

import dataclasses

import pytest
import torch

from tests.batches import advantage_rows, assert_close
from workbench.methods.weighted_grpo_pairs import UnevenZ
from workbench.registry import find_method
from workbench.types import Batch

ZEROS = torch.zeros(8, 1, dtype=torch.float64)
PAIR = Batch(
    logprob=ZEROS,
    old_logprob=ZEROS,
    mask=torch.ones(8, 1, dtype=torch.bool),
    reward=torch.tensor([1, 0, 0, 0, 1, 1, 1, 0], dtype=torch.float64),
    group=torch.tensor([0] * 4 + [1] * 4),
)


@pytest.mark.parametrize(
    ("weight", "reading", "expected"),
    [
        (1.0, "after", [1.5, -0.5, -0.5, -0.5, 0.5, 0.5, 0.5, -1.5]),
        (2.0, "after", [1.5, -1.0, -1.0, -1.0, 0.5, 0.5, 0.5, -3.0]),
        (1.0, "centred", [1.5, -0.5, -0.5, -0.5, 0.5, 0.5, 0.5, -1.5]),
        (2.0, "centred", [2.25, -0.75, -0.75, -0.75, 0.75, 0.75, 0.75, -2.25]),
    ],
)
def test_rare_events_count_most(weight, reading, expected):
    advantage = UnevenZ(weight=weight, reading=reading)
    method = dataclasses.replace(find_method("weighted_grpo_pairs"), advantage=advantage)
    assert_close(advantage_rows(method, PAIR), expected, 1e-5)
