"""Curves, crossings, ε-support and series, against the published toy numbers and small cases counted by hand."""

import math

import pytest

from workbench.analysis.evaluate import Tally
from workbench.analysis.probes import by_step, crossing, ends, entropy_by_role, leash, pass_curve, powers, trend

#: The card of the pass@k protocol: 6 problems, 10 samples.
BASE = [Tally(correct, 10) for correct in (1, 2, 1, 4, 0, 3)]
TRAINED = [Tally(correct, 10) for correct in (9, 10, 0, 10, 0, 8)]


def test_the_published_toy_crosses_between_4_and_10():
    curves = [{row["k"]: row["value"] for row in pass_curve(tallies)} for tallies in (BASE, TRAINED)]
    assert [round(curve[k], 3) for curve in curves for k in (1, 4, 10)] == [0.183, 0.538, 0.833, 0.617, 0.667, 0.667]
    found = crossing(TRAINED, BASE)
    assert (found.k, found.most) == (8, 10)
    assert found.low <= 8 <= found.high
    assert 0.5 < found.share <= 1


def test_a_model_that_stays_above_has_no_crossing_and_one_that_starts_below_has_it_at_1():
    above = crossing([Tally(5, 8)] * 3, [Tally(1, 8)] * 2 + [Tally(0, 8)])
    assert above.k is None or above.k == 8  # at k = 8 both may be certain
    assert crossing([Tally(1, 4), Tally(2, 4)], [Tally(0, 4), Tally(0, 4)]).document()["k"] is None
    assert crossing(BASE, TRAINED).k == 1
    with pytest.raises(ValueError, match="6 and 1 problems: compare"):
        crossing(BASE, TRAINED[:1])


def test_support_is_counted_with_what_chance_explains():
    found = leash(TRAINED, BASE)
    assert (found["kept"], found["gained"], found["lost"], found["neither"]) == (4, 0, 1, 1)
    assert found["retention"] == pytest.approx(0.8)
    assert found["epsilon"] == pytest.approx(1 - 0.05**0.1)
    assert found["by_chance"] > 0


def test_entropy_is_read_by_role():
    lines = [
        {"step": 1, "entropy": 0.5, "entropy.propose": 0.9, "length": 3.0},
        {"step": 2, "entropy": None, "entropy.propose": math.nan},
        {"step": 3, "entropy": 0.25},
    ]
    assert entropy_by_role(lines) == {"": [(1, 0.5), (3, 0.25)], "propose": [(1, 0.9)]}


def test_a_trend_is_the_last_fifth_less_the_first():
    values = [float(value) for value in range(10)]
    assert ends(values) == (0.5, 8.5)
    assert trend([math.nan, *values, math.nan]) == 8.0
    assert math.isnan(trend([]))


def test_rows_are_averaged_by_step():
    rows = [{"step": 2, "rate": 0.5}, {"step": 1, "rate": math.nan}, {"step": 2, "rate": 1.0}]
    first, second = by_step(rows, ("rate",))
    assert (first["step"], first["count"], math.isnan(first["rate"])) == (1, 1, True)
    assert second == {"step": 2, "count": 2, "rate": 0.75}


def test_powers_end_at_the_largest():
    assert powers(1) == [1]
    assert powers(1024)[-2:] == [512, 1024]
    with pytest.raises(ValueError, match="k = 0"):
        pass_curve([])
