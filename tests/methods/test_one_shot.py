"""1-shot RLVR: the choice, the repetition, the loss."""

import pytest
import torch

from tests.batches import assert_close, loss_and_gradient, probable
from workbench.kinds import Pool
from workbench.methods.one_shot import by_variance
from workbench.pieces.sampler import Chosen
from workbench.registry import find_method

ENTROPY = torch.tensor([[1.2, 0.5, 0.3], [1.0, 0.9, 1.4], [1.1, 0.4, 0.7], [1.3, 1.1, 0.2]], dtype=torch.float64)


def pool(size: int | None, count: int) -> Pool:
    return Pool(size, count, 8, 1, lambda number: 0.5)


def test_loss_with_both_regularisers():
    # policy -.013174, mean k3 .039504, mean entropy .841667
    loss, _ = loss_and_gradient(find_method("one_shot"), probable().extend(entropy=ENTROPY))
    assert_close(loss, -0.013976, 1e-6)


def test_problems_by_variance():
    histories = {
        "a": [0, 0.125, 0.5, 0.75, 1, 1],
        "b": [0.5] * 6,
        "c": [0, 0, 0, 0.125, 0, 0],
        "d": [0, 1, 0, 1, 0, 1],
        "e": [1, 1, 1, 0.875, 1, 1],
    }
    assert by_variance(histories) == ["d", "a", "c", "e", "b"]


def test_one_problem_fills_the_step():
    picks, state = Chosen()(Chosen().init(), pool(None, 3))
    assert [(pick.number, pick.rollouts) for pick in picks] == [(0, 8)] * 3
    assert state == {"next": 0}


def test_a_few_take_turns_over_steps():
    piece = Chosen(numbers=(4, 9))
    first, state = piece(piece.init(), pool(10, 3))
    second, _ = piece(state, pool(10, 3))
    assert [pick.number for pick in [*first, *second]] == [4, 9, 4, 9, 4, 9]


def test_a_problem_that_is_not_there():
    with pytest.raises(ValueError, match=r"chosen\.numbers = \[12\]"):
        Chosen(numbers=(3, 12))({"next": 0}, pool(10, 1))
    with pytest.raises(ValueError, match=r"chosen\.numbers"):
        Chosen(numbers=())
