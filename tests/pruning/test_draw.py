"""Draws: the worked one, exact sizes, and inclusion probabilities that are the ones asked for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench import random_numbers
from workbench.pruning.draw import UNIT, bernoulli, settled, systematic
from workbench.pruning.survival import Bounds, group

PRINTED = np.array([0.319, 0.354, 0.389, 0.449, 0.504, 0.579, 0.669, 0.739])


def test_worked_draw():
    uniform = np.array([0.31, 0.77, 0.12, 0.58, 0.49, 0.93, 0.05, 0.66])
    assert np.flatnonzero(bernoulli(PRINTED, uniform)).tolist() == [0, 2, 4, 6, 7]


def test_worked_systematic_draw():
    """In the order of u: lengths .2, .8, .7, .3 end at .2, 1, 1.7, 2; marks at .5 and 1.5 fall on the 2nd and 3rd."""
    kept = systematic(np.array([0.3, 0.2, 0.7, 0.8]), np.array([0.9, 0.1, 0.6, 0.4]), start=0.5)
    assert kept.tolist() == [False, False, True, True]


def numbers(count: int, times: int, branch: int = 9) -> np.ndarray:
    key = random_numbers.keys(0, 1, 0, np.arange(count), branch)
    return random_numbers.uniforms(key[None], np.arange(times)[:, None])


@pytest.mark.parametrize("draw", [bernoulli, systematic])
def test_everyone_survives_as_often_as_asked(draw):
    times = 4000
    uniform, start = numbers(8, times), numbers(1, times, branch=10)[:, 0]
    probability = group(np.linspace(0.02, 0.6, 8), Bounds()).probability
    kept = np.stack([draw(probability, uniform[turn], start[turn]) for turn in range(times)])
    error = np.sqrt(probability * (1 - probability) / times)
    assert (np.abs(kept.mean(0) - probability) < 4 * error).all()
    assert (kept.sum(1) == 4).all() == (draw is systematic)


@given(st.lists(st.floats(0.0, 1.0), min_size=2, max_size=40), st.integers(0, 10**6))
def test_a_fixed_size_is_fixed(posterior, seed):
    """Whatever the group, the survivors are as many as asked for: rounding never costs or gives one."""
    count = len(posterior)
    size = max(1, count // 2)
    found = group(np.array(posterior), Bounds(keep=size / count)).probability
    uniform = random_numbers.uniforms(
        random_numbers.keys(seed, 0, 0, np.arange(count + 1)), np.zeros(1, dtype=np.int64)
    )
    for start in (uniform[-1], 0.0, 1 - 2**-53):
        assert systematic(found, uniform[:-1], float(start)).sum() == size
    assert settled(found).sum() == size * UNIT


def test_without_a_whole_sum_the_size_is_a_neighbour():
    probability = np.full(5, 0.45)  # 2.25
    sizes = [systematic(probability, numbers(5, 1)[0], start).sum() for start in np.linspace(0, 0.99, 100)]
    assert set(sizes) == {2, 3}
    assert np.mean(sizes) == pytest.approx(2.25, abs=0.011)


def test_bounds_are_certain():
    assert systematic(np.array([1.0, 0.0, 1.0]), np.array([0.5, 0.1, 0.9]), 0.99).tolist() == [True, False, True]
    assert bernoulli(np.array([1.0, 0.0]), np.array([1 - 2**-53, 0.0])).tolist() == [True, False]
