"""Pass@k training: by hand, against every set counted one by one, and verl's best of the group."""

import dataclasses
import itertools
import statistics

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.batches import advantage_rows, assert_close, toy
from workbench.methods.pass_at_k import BestOfGroup, PassAtK
from workbench.registry import find_method
from workbench.types import Batch

METHOD = find_method("pass_at_k")


def rows(correct: list[float], k: int) -> list[float]:
    one = torch.zeros(len(correct), 1, dtype=torch.float64)
    batch = Batch(one - 1, one - 1, one == 0, torch.tensor(correct, dtype=torch.float64), torch.zeros(len(one)).long())
    return advantage_rows(dataclasses.replace(METHOD, advantage=PassAtK(k=k)), batch)


def test_by_hand():
    """n = 4, k = 2. Two incorrect: rate 1 - 1/6, deviation .37268; (1/6) / .37268, (1/6 - 1/3) / .37268.

    Three incorrect: rate 1 - 3/6, deviation .5; .5 / .5 = 1, (.5 - 2/3) / .5 = -1/3.
    """
    assert_close(rows([1, 0, 0, 1], 2), [0.44721, -0.44721, -0.44721, 0.44721])
    assert_close(rows([1, 0, 0, 0], 2), [1.0, -1 / 3, -1 / 3, -1 / 3])
    assert rows([1, 1, 1, 0], 2) == [0.0] * 4  # every pair holds a correct one


@given(correct=st.lists(st.sampled_from([0.0, 1.0]), min_size=2, max_size=9), k=st.integers(1, 9))
def test_it_is_the_mean_over_all_sets(correct, k):
    """Each set's advantage is (its best - rate) / deviation; a rollout has the mean over the sets it is in."""
    size = min(k, len(correct))
    sets = list(itertools.combinations(range(len(correct)), size))
    best = [max(correct[place] for place in chosen) for chosen in sets]
    rate = statistics.fmean(best)
    deviation = (rate * (1 - rate)) ** 0.5 + 1e-6
    expected = [
        statistics.fmean(
            (value - rate) / deviation for chosen, value in zip(sets, best, strict=True) if place in chosen
        )
        for place in range(len(correct))
    ]
    assert_close(rows(correct, k), expected, 1e-8)
    assert abs(sum(rows(correct, k))) < 1e-8


@given(correct=st.lists(st.sampled_from([0.0, 1.0]), min_size=2, max_size=9))
def test_one_rollout_a_set_is_grpo(correct):
    deviation = statistics.pstdev(correct) + 1e-6
    assert_close(rows(correct, 1), [(value - statistics.fmean(correct)) / deviation for value in correct], 1e-8)


def test_large_groups_do_not_overflow():
    found = rows([1.0] * 3 + [0.0] * 1021, 256)
    assert all(abs(value) < 10 for value in found)
    assert found[0] > 0 > found[-1]


@pytest.mark.parametrize(
    ("reward", "lead", "deviation"),
    [
        ([0.9, 0.2, 0.5, 0.2], 0.4, 0.33166),  # .9 - .5; mean .45: sqrt((.45² + .25² + .05² + .25²) / 3)
        ([1.0, 0.0, 0.0, 0.0], 1.0, 0.5),
        ([1.0, 1.0, 0.0, 0.0], 0.0, 0.57735),
        ([0.9, 0.2, torch.nan, 0.2], 0.7, 0.40415),  # sqrt((.46667² + 2 · .23333²) / 2)
    ],
)
def test_best_of_the_group_by_hand(reward, lead, deviation):
    batch = toy(reward=torch.tensor(reward, dtype=torch.float64))
    for piece, expected in ((BestOfGroup(), lead / deviation), (BestOfGroup(divide=False), lead)):
        found = advantage_rows(dataclasses.replace(METHOD, advantage=piece), batch)
        assert_close(found, [expected, 0.0, 0.0, 0.0])
