"""pass@k and its interval."""

from itertools import combinations

import pytest

from workbench.analysis.evaluate import Tally, estimate, gain, pass_at, passes


@pytest.mark.parametrize(
    ("right", "samples", "tries"), [(0, 5, 2), (1, 5, 2), (2, 5, 3), (4, 6, 3), (5, 5, 1), (3, 4, 4)]
)
def test_pass_at_k_is_the_share_of_all_draws_that_hold_a_right_one(right: int, samples: int, tries: int) -> None:
    verdicts = [number < right for number in range(samples)]
    draws = list(combinations(verdicts, tries))
    assert pass_at(right, samples, tries) == pytest.approx(sum(map(any, draws)) / len(draws))


@pytest.mark.parametrize("tries", [0, 5])
def test_more_tries_than_samples_are_refused(tries: int) -> None:
    with pytest.raises(ValueError, match=rf"pass@{tries} of 4 samples"):
        pass_at(1, 4, tries)


def test_the_interval_shrinks_with_the_number_of_problems() -> None:
    few, many = estimate([0.0, 1.0] * 8), estimate([0.0, 1.0] * 128)
    assert few.value == many.value == 0.5
    # the standard error of a mean of 16 and of 256 coin flips: 1/8 and 1/32; 95 % are 1.96 of them on either side
    assert few.high - few.low == pytest.approx(2 * 1.96 / 8, rel=0.2)
    assert many.high - many.low == pytest.approx(2 * 1.96 / 32, rel=0.2)
    assert estimate([0.0, 1.0] * 8) == few
    assert estimate([1.0] * 4).low == 1.0


def test_problems_of_which_too_few_answers_were_graded_are_left_out() -> None:
    found = passes([Tally(2, 4), Tally(1, 1), Tally(0, 0)], 4)
    assert (found.value, found.problems) == (1.0, 1)
    assert passes([Tally(2, 4), Tally(0, 1), Tally(0, 0)], 1).value == 0.25
    with pytest.raises(ValueError, match="no problem to average over"):
        passes([Tally(0, 0)], 1)


def test_a_gain_is_counted_problem_by_problem() -> None:
    own, base = [Tally(2, 2), Tally(2, 2), Tally(0, 0)], [Tally(1, 2), Tally(1, 2), Tally(2, 2)]
    found = gain(own, base, 1)
    assert (found.value, found.low, found.high, found.problems) == (0.5, 0.5, 0.5, 2)
