"""The measures of test suites on the card's numbers, and differential tests on programs with known errors."""

import json
import math
from random import Random

import pytest

from workbench.analysis.suites import Suite, detection_rate, measured, smallest, varied, verifier_accuracy
from workbench.sandbox.exact import Exact
from workbench.sandbox.values import read

ACCEPTED = ["def f(x): return max(x) - min(x)", "def f(x): x = sorted(x); return x[-1] - x[0]"]
WRONG = [
    "def f(x): return max(x)",
    "def f(x): return x[-1] - x[0]",
    "def f(x): return max(x) - min(x) + x.count(7)",
    "def f(x): return max(x) - min(x[1:])",
]


def suite(*rejected: int, of: int = 4) -> Suite:
    """A suite of one test that rejects these wrong programs."""
    return Suite(("(1,)",), ("1",), (tuple(number in rejected for number in range(of)),), of)


def test_detection_rate_and_verifier_accuracy() -> None:
    """Rejected: 4 of 4, 3 of 4, 2 of 4."""
    suites = [suite(0, 1, 2, 3), suite(0, 1, 2), suite(0, 1)]
    assert detection_rate(suites) == 0.75
    assert verifier_accuracy(suites) == pytest.approx(1 / 3)
    assert math.isnan(detection_rate([])) and math.isnan(verifier_accuracy([]))  # noqa: PT018


def test_with_fifty_errors_a_problem_few_verifiers_are_complete() -> None:
    """P(all rejected) = rate ** 50: .0052 at .90 and .605 at .99."""
    random = Random(0)
    for rate, expected in ((0.90, 0.0052), (0.99, 0.605)):
        suites = [suite(*(n for n in range(50) if random.random() < rate), of=50) for _ in range(4000)]
        assert detection_rate(suites) == pytest.approx(rate, abs=0.01)
        assert verifier_accuracy(suites) == pytest.approx(expected, abs=0.025)


def test_inputs_become_tests_where_the_accepted_agree() -> None:
    found = measured(ACCEPTED, WRONG, ["([1, 5],)", "([],)", "([5, 1],)", "([7, 7, 7],)", "(3,)"], Exact())
    assert (found.calls, found.outputs) == (("([1, 5],)", "([5, 1],)", "([7, 7, 7],)"), ("4", "4", "0"))
    assert found.dropped == 2
    assert found.rejects == ((True, False, False, True), (True, True, False, False), (True, False, True, False))
    assert found.rejected == (True, True, True, True)


def test_accepted_programs_that_disagree_give_no_test() -> None:
    found = measured(["def f(x): return x", "def f(x): return x + x - x % 2"], [], ["(1,)", "(0,)"], Exact())
    assert (found.calls, found.dropped) == (("(1,)", "(0,)"), 0)
    found = measured(["def f(x): return x", "def f(x): return x + x"], [WRONG[0]], ["(1,)", "(0,)"], Exact())
    assert (found.calls, found.rejects) == (("(0,)",), ((True,),))
    with pytest.raises(ValueError, match="no accepted program"):
        measured([], WRONG, ["(1,)"], Exact())
    assert measured(ACCEPTED, WRONG, ["(1,)"], Exact()) == Suite((), (), (), 4, dropped=1)


def test_no_test_rejects_nothing() -> None:
    none = measured(ACCEPTED, WRONG, ["(1,)"], Exact())
    assert (detection_rate([none]), verifier_accuracy([none])) == (0.0, 0.0)


def test_the_fewest_tests_reject_as_much() -> None:
    calls = varied(["([1, 5, 3],)"], Random(1), 300)
    full = measured(ACCEPTED, WRONG, calls, Exact())
    few = smallest(full)
    assert few.rejected == full.rejected == (True,) * 4
    assert len(few.calls) <= 3 < len(full.calls)
    assert smallest(few) == few


def test_differential_tests_find_what_the_first_tests_do_not() -> None:
    first = measured(ACCEPTED, WRONG, ["([1, 5],)", "([2, 9],)"], Exact())
    assert detection_rate([first]) == 0.5
    more = measured(ACCEPTED, WRONG, [*first.calls, *varied(first.calls, Random(0), 300)], Exact())
    assert detection_rate([more]) == 1
    tests = json.loads(smallest(more).text())
    assert tests["fn_name"] == "f"
    pairs = zip(tests["inputs"], tests["outputs"], strict=True)
    assert all(max(given) - min(given) == output for (given,), output in pairs)


def test_varied_inputs_are_new_and_of_the_same_types() -> None:
    calls = ["([1, 2], 'ab', 3, True, 0.5)"]
    found = varied(calls, Random(0), 50)
    assert len(set(found)) == len(found) == 50
    assert not set(found) & set(calls)
    assert {tuple(map(type, read(call))) for call in found} == {(list, str, int, bool, float)}
    assert varied(calls, Random(0), 50) == found
    assert len(varied(["(True,)"], Random(0), 50)) == 1
