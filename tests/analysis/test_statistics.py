"""Statistics over runs: worked by hand, against plain loops, and what an interval must do."""

import itertools
import math

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.analysis.statistics import (
    bootstrap,
    interquartile_mean,
    mean_over_seeds,
    optimality_gap,
    paired_difference,
    performance_profile,
    probability_of_improvement,
    redrawn,
    scores_of,
)

MATRIX = scores_of([[0.2, 0.4, 0.9], [0.3, 0.8, 1.4], [0.1, 0.6, 0.5]])
SIZES = st.tuples(st.integers(1, 5), st.integers(1, 4))
NUMBERS = st.floats(-10, 10, allow_nan=False).map(lambda value: round(value, 2))
MATRICES = SIZES.flatmap(
    lambda size: st.lists(st.lists(NUMBERS, min_size=size[1], max_size=size[1]), min_size=size[0], max_size=size[0])
)


def test_the_mean_of_one_number_a_run_has_the_bootstraps_interval():
    values = [0.1, 0.4, 0.2, 0.9, 0.5]
    ours, theirs = (
        mean_over_seeds(values),
        bootstrap(lambda scores: float(scores.mean()), scores_of([[v] for v in values])),
    )
    assert (ours.value, ours.runs) == (pytest.approx(theirs.value), 5)
    assert (ours.low, ours.high) == (pytest.approx(theirs.low), pytest.approx(theirs.high))
    with pytest.raises(ValueError, match="no scores"):
        mean_over_seeds([])


def test_worked_by_hand():
    # sorted: .1 .2 | .3 .4 .5 .6 .8 | .9 1.4: two are cut at each end
    assert interquartile_mean(MATRIX) == pytest.approx(2.6 / 5)
    # above 1 counts as 1: 9 scores sum to 5.2 - .4
    assert optimality_gap(MATRIX) == pytest.approx(1 - 4.8 / 9)
    assert performance_profile(MATRIX, [0, 0.3, 0.5, 1]) == pytest.approx([1, 6 / 9, 4 / 9, 1 / 9])


@given(MATRICES)
def test_interquartile_mean_in_a_plain_loop(values):
    ordered = sorted(itertools.chain(*values))
    cut = math.floor(0.25 * len(ordered))
    middle = ordered[cut : len(ordered) - cut]
    assert interquartile_mean(scores_of(values)) == pytest.approx(sum(middle) / len(middle), abs=1e-9)


@given(MATRICES, st.integers(1, 4), st.integers(0, 99))
def test_probability_of_improvement_in_plain_loops(values, runs, seed):
    left = scores_of(values)
    right = numpy.random.default_rng(seed).choice(left.flatten(), (runs, left.shape[1]))
    by_task = []
    for task in range(left.shape[1]):
        won = [1.0 if a > b else 0.5 if a == b else 0.0 for a in left[:, task] for b in right[:, task]]
        by_task.append(sum(won) / len(won))
    found = probability_of_improvement(left, right)
    assert found == pytest.approx(sum(by_task) / len(by_task), abs=1e-9)
    assert found + probability_of_improvement(right, left) == pytest.approx(1)


@given(MATRICES)
def test_a_redrawn_score_is_one_of_the_same_task(values):
    scores = scores_of(values)
    drawn = redrawn(scores, numpy.random.default_rng(0))
    assert drawn.shape == scores.shape
    for task in range(scores.shape[1]):
        assert set(drawn[:, task]) <= set(scores[:, task])


def test_tasks_are_drawn_independently():
    scores = scores_of([[0.0, 0.0], [1.0, 1.0]])
    dice = numpy.random.default_rng(0)
    assert any(len(set(row)) == 2 for _ in range(50) for row in redrawn(scores, dice).tolist())


def test_an_interval_covers_the_true_mean_about_as_often_as_it_says():
    dice, covered = numpy.random.default_rng(1), 0
    for seed in range(200):
        found = bootstrap(lambda scores: float(scores.mean()), dice.normal(0.5, 0.1, (20, 1)), draws=300, seed=seed)
        covered += found.low <= 0.5 <= found.high
    assert 0.88 <= covered / 200 <= 0.99


def test_a_bootstrap_is_repeatable_and_says_of_how_many_runs():
    first, second = bootstrap(interquartile_mean, MATRIX), bootstrap(interquartile_mean, MATRIX)
    assert first == second
    assert first.low <= first.value <= first.high
    assert first.runs == 3
    assert str(first).endswith("n = 3)")
    assert bootstrap(probability_of_improvement, MATRIX, MATRIX[:2]).runs == 2


def test_one_run_tells_nothing_of_the_spread():
    found = bootstrap(interquartile_mean, scores_of([[0.5]]))
    assert (found.low, found.value, found.high, found.runs) == (0.5, 0.5, 0.5, 1)


def test_pairs_see_a_difference_that_is_smaller_than_the_spread_between_seeds():
    base = numpy.random.default_rng(0).normal(0.5, 0.2, (8, 1))
    found = paired_difference(base + 0.05, base)
    assert (found.low, found.high) == pytest.approx((0.05, 0.05))
    apart = bootstrap(lambda left, right: float(left.mean() - right.mean()), base + 0.05, base)
    assert apart.low < 0 < apart.high


@pytest.mark.parametrize(
    ("values", "told"),
    [([], "no scores"), ([[]], "no scores"), ([[1.0], [1.0, 2.0]], "the same tasks"), ([[math.nan]], "not finite")],
)
def test_scores_that_are_none_are_refused(values, told):
    with pytest.raises(ValueError, match=told):
        scores_of(values)


def test_sides_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="3 tasks on one side, 2 on the other"):
        probability_of_improvement(MATRIX, MATRIX[:, :2])
    with pytest.raises(ValueError, match="give pairs"):
        paired_difference(MATRIX, MATRIX[:2])


def test_worked_numbers_that_rliable_gives():
    left = scores_of([[0.9, 0.2, 0.5], [0.8, 0.1, 0.7], [1.2, 0.3, 0.6]])
    right = scores_of([[0.7, 0.2, 0.4], [0.9, 0.2, 0.5], [0.8, 0.1, 0.6]])
    assert interquartile_mean(left) == pytest.approx(0.58, abs=1e-9)
    assert optimality_gap(left) == pytest.approx(0.4333, abs=1e-4)
    assert probability_of_improvement(left, right) == pytest.approx(0.7222, abs=1e-4)
    columns = [[left[list(rows), task] for rows in itertools.product(range(3), repeat=3)] for task in range(3)]
    every = [interquartile_mean(numpy.stack(one, 1)) for one in itertools.product(*columns)]  # all 19,683 resamples
    exact = numpy.percentile(every, [2.5, 97.5])
    found = bootstrap(interquartile_mean, left, draws=20_000)
    assert [found.low, found.high] == pytest.approx(exact.tolist(), abs=1e-9)
    assert [found.low, found.high] == pytest.approx([0.52, 0.66], abs=1e-9)
    assert performance_profile(left, [0, 0.25, 0.5, 0.75, 1.0]) == pytest.approx([1, 7 / 9, 5 / 9, 3 / 9, 1 / 9])
