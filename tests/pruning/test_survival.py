"""The survival rules on worked groups: mixed, easy, hard, flat; and what holds for every group."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.pruning.survival import Bounds, affine, group, paper, random, sign, solve_shift, survivors_mean

MIXED = np.array([0.92, 0.85, 0.78, 0.66, 0.55, 0.40, 0.22, 0.08])
EASY = np.array([0.97, 0.95, 0.92, 0.88, 0.80, 0.70, 0.55, 0.35])
HARD = np.array([0.60, 0.40, 0.25, 0.18, 0.12, 0.08, 0.05, 0.03])
STEEP = Bounds(steepest=8.0)

posteriors = st.lists(st.floats(0.0, 1.0), min_size=2, max_size=20).map(np.array)


def printed(posterior):
    return paper(posterior, Bounds(shift=solve_shift(posterior, 0.5, Bounds())))


@pytest.mark.parametrize(
    ("posterior", "shift", "probability", "mean"),
    [
        (MIXED, 0.0287, [0.319, 0.354, 0.389, 0.449, 0.504, 0.579, 0.669, 0.739], 0.477),
        (EASY, 0.1325, [0.398, 0.408, 0.423, 0.443, 0.483, 0.533, 0.608, 0.708], 0.723),
        (HARD, -0.1431, [0.307, 0.407, 0.482, 0.517, 0.547, 0.567, 0.582, 0.592], 0.180),
    ],
)
def test_as_printed(posterior, shift, probability, mean):
    found = printed(posterior)
    assert found.shift == pytest.approx(shift, abs=1e-4)
    np.testing.assert_allclose(found.probability, probability, atol=6e-4)
    assert found.probability.sum() == pytest.approx(4.0)
    assert survivors_mean(posterior, found.probability) == pytest.approx(mean, abs=6e-4)
    linear = posterior.mean() - 0.5 * posterior.var() / 0.5  # nothing is clipped here
    assert survivors_mean(posterior, found.probability) == pytest.approx(linear)


@pytest.mark.parametrize(
    ("posterior", "slope", "shift", "probability", "mean"),
    [
        (MIXED, 0.357, 0.0205, [0.370, 0.395, 0.421, 0.463, 0.503, 0.556, 0.621, 0.671], 0.500),
        (EASY, 8.0, 2.72, [0.1, 0.1, 0.1, 0.18, 0.82, 0.9, 0.9, 0.9], 0.635),
        (HARD, -8.0, 2.80, [0.9, 0.9, 0.9, 0.74, 0.26, 0.1, 0.1, 0.1], 0.326),
    ],
)
def test_solved_for_the_group(posterior, slope, shift, probability, mean):
    found = group(posterior, STEEP)
    assert found.slope == pytest.approx(slope, abs=6e-4)
    assert found.shift == pytest.approx(shift, abs=6e-5)
    np.testing.assert_allclose(found.probability, probability, atol=6e-4)
    assert survivors_mean(posterior, found.probability) == pytest.approx(mean, abs=6e-4)


def test_the_sign_problem():
    """As printed, a hard group ends up with fewer right ones than chance leaves it; the solved slope, with more."""
    assert survivors_mean(HARD, printed(HARD).probability) < HARD.mean() - 0.03
    assert survivors_mean(HARD, group(HARD, Bounds()).probability) > HARD.mean() + 0.05
    assert survivors_mean(HARD, sign(HARD, Bounds()).probability) > HARD.mean() + 0.03
    assert sign(EASY, Bounds()).slope == -sign(HARD, Bounds()).slope == 0.5


def test_unclipped_the_slope_has_a_closed_form():
    found = group(MIXED, STEEP)
    assert found.slope == pytest.approx(0.5 * (MIXED.mean() - 0.5) / MIXED.var())


def test_a_flat_group_is_left_to_chance():
    for rule in (group, sign, random):
        np.testing.assert_allclose(rule(np.full(8, 0.3), Bounds()).probability, 0.5)


def test_a_weighted_shift():
    """Two rollouts, one standing for three: (3 p + p') / 4 = keep."""
    posterior, weight = np.array([0.2, 0.7]), np.array([3.0, 1.0])
    shift = solve_shift(posterior, 0.5, Bounds(), weight)
    probability = affine(posterior, 0.5, shift, Bounds()).probability
    assert (3 * probability[0] + probability[1]) / 4 == pytest.approx(0.5)


@given(posteriors, st.floats(-20, 20), st.floats(0.1, 0.9))
def test_the_shift_always_meets_the_mean(posterior, slope, keep):
    bounds = Bounds(keep=keep)
    probability = affine(posterior, slope, solve_shift(posterior, slope, bounds), bounds).probability
    assert probability.mean() == pytest.approx(keep, abs=1e-9)
    assert ((probability >= 0.1) & (probability <= 0.9)).all()


@given(posteriors, st.floats(0.1, 0.9), st.floats(0.0, 1.0))
def test_the_solved_slope_comes_nearest_to_the_target(posterior, keep, target):
    bounds = Bounds(keep=keep, target=target)
    found = group(posterior, bounds)
    assert found.probability.mean() == pytest.approx(keep, abs=1e-9)
    missed = abs(survivors_mean(posterior, found.probability) - target)
    for slope in np.linspace(-2, 2, 41):
        other = affine(posterior, slope, solve_shift(posterior, slope, bounds), bounds).probability
        assert missed <= abs(survivors_mean(posterior, other) - target) + 1e-7


@given(posteriors, st.randoms())
def test_the_order_of_rollouts_changes_nothing(posterior, chance):
    order = np.array(chance.sample(range(len(posterior)), len(posterior)))
    for rule in (paper, sign, group, random):
        before, after = rule(posterior, Bounds()).probability, rule(posterior[order], Bounds()).probability
        np.testing.assert_allclose(after, before[order], atol=1e-9)
