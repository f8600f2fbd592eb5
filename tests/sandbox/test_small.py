"""The small language means what Python makes of it, within its bounds; everything else is refused."""

import warnings
from typing import Any

import pytest
from hypothesis import assume, given

from tests.sandbox.programs import PROGRAMS, VALUES
from workbench.sandbox.exact import Exact, run
from workbench.sandbox.jobs import Executor, Job
from workbench.sandbox.small import SmallError, parse, skeleton
from workbench.sandbox.values import read, written

STARRED = "def f(x): return [[1 for v in x] for v in x]"


def one(program: str, *calls: str) -> list[str]:
    (found,) = run([Job(program, calls)])
    return [result.value if result.value is not None else result.error for result in found.results] or [found.reason]


def by_python(text: str, value: Any) -> Any:
    """What Python returns, or the type of what it raises."""
    names: dict[str, Any] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(text, names)
    try:
        return names["f"](value)
    except Exception as error:  # whatever Python makes of it
        return type(error)


@given(PROGRAMS, VALUES)
def test_python_says_the_same(text: str, value: Any) -> None:
    (found,) = run([Job(text, (written((value,)),))])
    assume(found.status == "finished" or "'v' is not in the language" in found.reason)
    if found.status == "refused":
        return
    told = found.results[0].value if found.results[0].value is not None else found.results[0].error.partition(":")[0]
    assume(told != "BoundError")
    theirs = by_python(text, list(value) if isinstance(value, list) else value)
    if told == "TypeError":  # also what Python allows and the language does not: lists of lists, a range, 2 * [1]
        return
    assert told == (theirs.__name__ if isinstance(theirs, type) else written(theirs))


@given(PROGRAMS, VALUES)
def test_where_python_returns_a_number_the_language_returns_one_or_names_its_bound(text: str, value: Any) -> None:
    theirs = by_python(text, list(value) if isinstance(value, list) else value)
    (found,) = run([Job(text, (written((value,)),))])
    if type(theirs) is int and found.status == "finished" and found.results[0].value is None:
        assert found.results[0].error.startswith(("BoundError", "TypeError: a list"))


def test_a_program_step_by_step() -> None:
    text = "def f(x): x = x[::-1]; x = [v + 2 for v in x]; x = sum(x); return x"
    assert parse(text).trace([3, 1, 2]) == [[2, 1, 3], [4, 3, 5], 12, 12]
    assert one(text, "([3, 1, 2],)", "([],)") == ["12", "0"]
    assert one(text.replace("; ", "\n    ").replace(": x", ":\n    x"), "([3, 1, 2],)") == ["12"]
    assert parse(text) is parse(text)


@pytest.mark.parametrize(
    ("program", "call", "told"),
    [
        ("def f(x): return x[5]", "([1],)", "IndexError"),
        ("def f(x): return x % 0", "(1,)", "ZeroDivisionError"),
        ("def f(x): return x + 1", "([1],)", "TypeError"),
        ("def f(x): return x * 99", "(99,)", "BoundError: a number beyond 999"),
        ("def f(x): return x + x", "([1, 2, 3, 4, 5, 6, 7],)", "BoundError: a list longer than 12"),
        ("def f(x): return list(range(99))", "(1,)", "BoundError: a range longer than 12"),
        ("def f(x): return range(9)", "(1,)", "TypeError: a range is no value"),
        ("def f(x): return x * 9", "([1],)", "TypeError: a list where a number is needed"),
        ("def f(x): return max(x)", "([],)", "ValueError"),
        (STARRED, "([1],)", "TypeError: a list where a number is needed"),
    ],
)
def test_errors_are_results(program: str, call: str, told: str) -> None:
    assert one(program, call)[0].startswith(told)


NESTED = "sum([" * 6 + "v" + " for v in x])" * 6
ENDLESS = f"def f(x): return {NESTED}"


def test_nothing_runs_long() -> None:
    assert one(ENDLESS, "([0, 0, 0, 0, 0, 0, 0, 0, 0, 0],)") == ["BoundError: more than 2000 steps"]


@pytest.mark.parametrize(
    "program",
    [
        *("", "x = 1", "def f(x): pass", "def f(y): return y", "def g(x): return x", "def f(x): return"),
        *("def f(x=1): return x", "def f(*x): return x", "@f\ndef f(x): return x", "def f(x): y = 1; return x"),
        *("def f(x): return x.__class__", "def f(x): return open(x)", "def f(x): return x ** x", "lambda x: x"),
        *("def f(x): return 100", "def f(x): return 1.5", "def f(x): return True", "def f(x): return 'a'"),
        *("def f(x): return [v for v in x if v]", "def f(x): return [v for w in x]", "def f(x): return v"),
        *("def f(x): return sum(x, 1)", "def f(x): return sorted(x, reverse=1)", "def f(x): return x.index(1)"),
        *("def f(x):\n  while 1: x = 1\n  return x", "def f(x): return f(x)", "async def f(x): return x"),
        *("def f(x): return " + "(" * 300, "def f(x): return x" + " + x" * 99, "def f(x): x += 1; return x"),
        *("def f(x): " + "x = x; " * 9 + "return x", "import os\ndef f(x): return x", "def f(x): return x; x = 1"),
        *("\x00", "def f(x): return x[:, 1]", "def f(x: int): return x", "def f(x): return (v for v in x)"),
    ],
)
def test_what_is_not_in_the_language_is_refused(program: str) -> None:
    (found,) = run([Job(program, ("(1,)",))])
    assert (found.status, found.results) == ("refused", ())
    assert found.reason


@pytest.mark.parametrize(
    "call", ["1", "(1, 2)", "('a',)", "([True],)", "(open('x'),)", "([[1]],)", "(1.5,)", "9" * 600]
)
def test_arguments_are_numbers_and_lists_of_them(call: str) -> None:
    (found,) = run([Job("def f(x): return x", (call,))])
    assert found.status == "refused"


def test_only_functions_called_f() -> None:
    assert run([Job("def f(x): return x", ("(1,)",), entry="g")])[0].status == "refused"
    assert run([Job("def f(x): return x", ("1",), style="stdin")])[0].status == "refused"
    assert run([Job("def f(x): return x", ())])[0].status == "refused"
    assert isinstance(Exact(), Executor)


def test_a_value_given_beyond_the_bounds_is_an_error() -> None:
    assert one("def f(x): return 1", "(5000,)") == ["BoundError: a number beyond 999"]
    assert read(one("def f(x): return x", "([-3, 4],)")[0]) == [-3, 4]


def test_skeletons_differ_by_more_than_constants() -> None:
    assert skeleton("def f(x): return x - 2") == skeleton("def f(x):\n  return x - 14")
    assert skeleton("def f(x): return x - 2") != skeleton("def f(x): return x + 2")
    with pytest.raises(SmallError):
        skeleton("import os")
