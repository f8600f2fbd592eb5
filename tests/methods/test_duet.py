"""DUET's allocation: the card's four problems, its weights, and what is known of a group."""

import statistics

import pytest
import torch

from tests.methods.rounds import scored
from workbench.kinds import Pool
from workbench.methods.duet import Allocate, ByAllocation, allocate, sizes_at, spent, spread_of
from workbench.pieces.sampler import Chosen
from workbench.types import Batch

SPREADS, LENGTHS = [0.2, 1.0, 2.0, 0.5], [400.0, 800.0, 2400.0, 1000.0]


def test_the_cards_allocation() -> None:
    sizes = sizes_at(-11.11328125, SPREADS, LENGTHS, 1, 32)  # the logarithm of 1.49e-5
    assert sizes == [3, 9, 11, 4]
    assert spent(sizes, LENGTHS) == 38_800
    sizes = allocate(SPREADS, LENGTHS, 36_800, 1, 32)
    assert sizes == [3, 9, 10, 4]
    assert spent(sizes, LENGTHS) == 36_400
    shares = [min(max(size / statistics.mean(sizes), 0.05), 1.0) for size in sizes]
    assert shares == pytest.approx([0.46, 1, 1, 0.62], abs=0.005)


def test_a_budget_too_small_leaves_every_problem_the_least() -> None:
    assert allocate(SPREADS, LENGTHS, 1.0, 2, 32) == [2, 2, 2, 2]
    assert allocate([0.0, 0.0], [5.0, 5.0], 100.0, 1, 8) == [1, 1]


def test_small_groups_count_more() -> None:
    """The card's factor of two for a group whose share is one half, before its stop rule."""
    group = torch.tensor([0] * 4 + [1] * 12)
    reward = torch.tensor([1.0, 0.0, 0.0, 1.0] + [1.0, 0.0] * 6)
    zeros = torch.zeros(16, 1)
    found = ByAllocation()(Batch(zeros, zeros, zeros == 0, reward, group))[:, 0]
    assert found[:4].tolist() == pytest.approx([1.732, -1.732, -1.732, 1.732], abs=1e-3)
    assert found[4].item() == pytest.approx(0.957, abs=1e-3)  # the larger group is not divided


def test_what_a_group_says_of_its_problem() -> None:
    group = scored(3, [1.0, 0.0, 0.0, 1.0], ["1234.", "12.", "1.", "123."])
    rollouts = group.rollouts
    weighed = [sign * 0.8660 * -0.5 * length for sign, length in zip((1, -1, -1, 1), (5, 3, 2, 4), strict=True)]
    assert spread_of(rollouts) == pytest.approx(statistics.pstdev(weighed), rel=1e-3)
    sampler = Allocate(inner=Chosen(numbers=(3, 5)))
    state = sampler.learn(sampler.init(), [group])
    assert state["seen"] == {"3": [1, pytest.approx(spread_of(rollouts)), 3.5]}
    again = sampler.learn(state, [group])
    assert again["seen"]["3"] == [2, pytest.approx(spread_of(rollouts)), 3.5]
    pool = Pool(10, 2, 8, 2, lambda index: 0.5)
    first, _ = sampler(sampler.init(), pool)
    assert [pick.rollouts for pick in first] == [8, 8]
    picks, _ = sampler(state, pool)
    assert [pick.number for pick in picks] == [3, 5]
    assert picks[1].rollouts == 8  # not seen before
