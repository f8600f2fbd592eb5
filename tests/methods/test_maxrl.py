"""MaxRL: by hand, and as the gradient of the log of the pass rate."""

import pytest
import torch

from tests.batches import advantage_rows, assert_close, toy
from workbench.registry import find_method

MAXRL = find_method("maxrl")


def rows(*correct: float) -> list[float]:
    return advantage_rows(MAXRL, toy(reward=torch.tensor(correct, dtype=torch.float64)))


def test_by_hand():
    """One of four correct: (1 - .25) / .25 = 3 and (0 - .25) / .25 = -1; three of four: 1/3 and -1."""
    assert_close(rows(1, 0, 0, 0), [3.0, -1.0, -1.0, -1.0])
    assert_close(rows(1, 1, 1, 0), [1 / 3, 1 / 3, 1 / 3, -1.0])
    assert rows(0, 0, 0, 0) == rows(1, 1, 1, 1) == [0.0] * 4


@pytest.mark.parametrize("solved", [1, 2, 3])
def test_the_correct_ones_together_weigh_one(solved):
    """Σ over correct rollouts of advantage / n + rate = 1: the mean gradient of the successes, undiluted."""
    correct = [1.0] * solved + [0.0] * (4 - solved)
    total = sum(value for value, right in zip(rows(*correct), correct, strict=True) if right)
    assert_close(total / 4 + solved / 4, 1.0)


def test_it_reads_correctness_and_not_the_reward():
    batch = toy(reward=torch.tensor([1.2, 0.2, 0.2, -0.3], dtype=torch.float64))
    batch = batch.replace(correct=torch.tensor([1.0, 0.0, 0.0, 0.0], dtype=torch.float64))
    assert_close(advantage_rows(MAXRL, batch), [3.0, -1.0, -1.0, -1.0])
