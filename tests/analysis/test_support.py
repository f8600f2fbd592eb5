"""Gained and lost problems, with the papers' and the cards' worked numbers; pass@k against exact arithmetic."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.analysis.evaluate import Tally, pass_at
from workbench.analysis.support import (
    Support,
    answer_entropy,
    by_chance,
    never_solved,
    smallest_seen,
    support,
    transitions,
)


def counted(kept: int, gained: int, lost: int, neither: int = 0) -> Support:
    return Support(*(tuple(range(count)) for count in (kept, gained, lost, neither)))


@pytest.mark.parametrize(
    ("counts", "rates"),
    [
        ((2388, 48, 175), (0.9317, 0.0197, 0.0386, -0.0486)),  # ProRL-v2's totals, arXiv:2507.14843
        ((4, 1, 2), (0.667, 0.2, 0.308, -0.143)),
    ],
)
def test_rates_of_the_invisible_leash(counts: tuple[int, int, int], rates: tuple[float, ...]) -> None:
    found = counted(*counts)
    values = (found.retention, found.discovery, found.dynamic, found.change)
    assert values == pytest.approx(rates, abs=6e-4)
    kept, gained, lost = counts
    assert found.dynamic == pytest.approx(2 * kept * gained / (kept**2 + 2 * kept * gained + gained * lost))


def test_rates_without_anything_to_divide_by() -> None:
    nothing = counted(0, 0, 0, 3)
    assert math.isnan(nothing.retention)
    assert math.isnan(nothing.change)
    assert nothing.dynamic == 0
    assert nothing.document()["retention"] is None


def test_expansion_and_shrinkage_of_math_beyond() -> None:
    """The base solves {1, 2, 3, 4} of 8, the trained model {2, …, 6}: gained 5 and 6, lost 1, expansion 0.5."""
    base = [Tally(int(number in (1, 2, 3, 4)), 16) for number in range(1, 9)]
    trained = [Tally(int(number in (2, 3, 4, 5, 6)), 16) for number in range(1, 9)]
    found = support(trained, base)
    assert ([place + 1 for place in found.gained], [place + 1 for place in found.lost]) == ([5, 6], [1])
    assert found.expansion == 0.5
    assert [place + 1 for place in never_solved(base, 16)] == [5, 6, 7, 8]
    with pytest.raises(ValueError, match="sample 1024 of each"):
        never_solved(base, 1024)


def test_curves_of_pass_at_k_that_cross() -> None:
    base, trained = [1, 2, 1, 4, 0, 3], [9, 10, 0, 10, 0, 8]
    rates = [[sum(pass_at(each, 10, k) for each in counts) / 6 for counts in (base, trained)] for k in (1, 4, 10)]
    assert [value for pair in rates for value in pair] == pytest.approx(
        [0.183, 0.617, 0.538, 0.667, 0.833, 0.667], abs=6e-4
    )
    found = support([Tally(each, 10) for each in trained], [Tally(each, 10) for each in base])
    assert (found.kept, found.lost) == ((0, 1, 3, 5), (2,))


@given(st.integers(1, 1100), st.data())
def test_pass_at_k_is_exact_to_twelve_digits(samples: int, data: st.DataObject) -> None:
    right = data.draw(st.integers(0, samples))
    tries = data.draw(st.integers(1, min(samples, 1024)))
    exact = 1 - Fraction(math.comb(samples - right, tries), math.comb(samples, tries))
    assert abs(pass_at(right, samples, tries) - float(exact)) < 1e-12


@given(st.integers(2, 30), st.data())
def test_chance_is_what_halves_of_one_model_differ_by(half: int, data: st.DataObject) -> None:
    right = data.draw(st.integers(0, 2 * half))
    missed = Fraction(math.comb(2 * half - right, half), math.comb(2 * half, half)) if right else Fraction(0)
    assert by_chance([Tally(right, 2 * half)]) == pytest.approx(float(missed), abs=1e-12)


def test_what_many_tries_exclude() -> None:
    assert smallest_seen(8192) == pytest.approx(3.656e-4, rel=1e-3)
    assert (1 - smallest_seen(100)) ** 100 == pytest.approx(0.05)


def test_entropy_of_answers() -> None:
    assert answer_entropy(["7"] * 4) == 0
    assert answer_entropy(["7", "", "8", ""]) == pytest.approx(1.0397, abs=1e-4)
    with pytest.raises(ValueError, match="no answers"):
        answer_entropy([])


def test_transitions_count_every_problem_once() -> None:
    base = [Tally(count, 8) for count in (0, 1, 4, 7, 8)]
    trained = [Tally(count, 8) for count in (2, 8, 4, 0, 8)]
    table = transitions(trained, base)
    assert sum(map(sum, table)) == 5
    assert (table[0][1], table[1][5], table[2][2], table[4][0], table[5][5]) == (1, 1, 1, 1, 1)


def test_models_are_compared_on_the_same_problems_and_equally_often() -> None:
    with pytest.raises(ValueError, match="1 and 2 problems"):
        support([Tally(1, 4)], [Tally(1, 4)] * 2)
    with pytest.raises(ValueError, match="problem 0 has 8 and 4 graded completions"):
        support([Tally(1, 8)], [Tally(1, 4)])
