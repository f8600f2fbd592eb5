"""The unit tests of a problem, as data sets of programming problems keep them; whether a result is the expected one."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from workbench.sandbox.jobs import Limits, Result, Style
from workbench.sandbox.values import LONGEST, read, same, written

DECIMAL = re.compile(r"[-+]?(?:\d+\.\d*|\.\d+|\d+)(?:[eE][-+]?\d{1,3})?")
SHOWN = 60  # characters of a value in a reason
NAMES = ("fn_name", "func_name", "entry_point")  # of the function that is called, in the usual data sets


@dataclass(frozen=True)
class UnitTest:
    """One call, and what it must give: a value, or a printed text."""

    call: str
    expected: Any


@dataclass(frozen=True)
class Suite:
    """The tests of a problem: calls of a function, or runs that read and print."""

    style: Style
    entry: str
    tests: tuple[UnitTest, ...]

    @property
    def calls(self) -> tuple[str, ...]:
        """What a job is asked."""
        return tuple(test.call for test in self.tests)


@lru_cache(maxsize=1000)
def suite_of(text: str) -> Suite:
    """The tests in a reference answer. Raises ValueError where there are none that can be read or passed.

    Formats, as JSON: `{"inputs": […], "outputs": […], "fn_name": …}` (APPS, TACO; without a name the programs read and
    print), or `[{"input": …, "output": …}]` (LiveCodeBench; `{"tests": […], "fn_name": …}` with a function, whose
    arguments are JSON, one a line).
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the tests are no JSON: {error}") from None
    if isinstance(found, list):
        found = {"tests": found}
    if not isinstance(found, dict):
        raise ValueError("the tests are neither a table nor a list")
    name = next((str(found[key]) for key in NAMES if found.get(key)), "")
    pairs = listed(found["tests"]) if "tests" in found else columns(found)
    tests = [function_test(*pair) if name else printing_test(*pair) for pair in pairs]
    if not tests:
        raise ValueError("there is not one test")
    return Suite("function" if name else "stdin", name, tuple(tests))


def columns(found: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    """Inputs and outputs side by side."""
    inputs, outputs = found.get("inputs"), found.get("outputs")
    if not isinstance(inputs, list) or not isinstance(outputs, list) or len(inputs) != len(outputs):
        raise ValueError("the tests need inputs and outputs, as many of one as of the other")
    return list(zip(inputs, outputs, strict=True))


def listed(rows: Any) -> list[tuple[Any, Any]]:
    """The input and output of every row."""
    if not isinstance(rows, list) or not all(isinstance(row, dict) and {"input", "output"} <= set(row) for row in rows):
        raise ValueError("the tests are no list of tables with input and output")
    return [(row["input"], row["output"]) for row in rows]


def function_test(given: Any, expected: Any) -> UnitTest:
    """A call of a function: arguments as a list, or as JSON, one a line, with the value as JSON as well."""
    if isinstance(given, str):
        given = [json.loads(line) for line in given.splitlines() if line.strip()]
        expected = json.loads(expected) if isinstance(expected, str) else expected
    if not isinstance(given, list):
        raise ValueError(f"the arguments {str(given)[:SHOWN]!r} are no list")
    written(expected, LONGEST)  # what is too long could not come back
    return UnitTest(written(tuple(given)), expected)


def printing_test(given: Any, expected: Any) -> UnitTest:
    """A run of a program: texts, or lists of lines."""
    texts = ["\n".join(map(str, each)) if isinstance(each, list) else each for each in (given, expected)]
    if not all(isinstance(each, str) for each in texts):
        raise ValueError("the input and output of a program that prints are texts")
    if len(texts[1].encode()) > Limits().output:
        raise ValueError(f"an expected output has more than {Limits().output} bytes: no program could print it here")
    return UnitTest(texts[0], texts[1])


def passes(suite: Suite, test: UnitTest, result: Result, tolerance: float) -> bool:
    """Whether a result is the expected one. Floats may differ by the tolerance, printed texts by white space."""
    if result.value is None:
        return False
    if suite.style == "stdin":
        return same_lines(test.expected, result.value, tolerance)
    try:
        return same(test.expected, read(result.value), tolerance, loose=True)
    except ValueError:
        return False


def same_lines(expected: str, printed: str, tolerance: float) -> bool:
    """Whether two texts print the same, line by line and word by word."""
    one, other = ([line.split() for line in text.rstrip().split("\n")] for text in (expected, printed))
    if len(one) != len(other):
        return False
    return all(
        len(left) == len(right) and all(same_word(*pair, tolerance) for pair in zip(left, right, strict=True))
        for left, right in zip(one, other, strict=True)
    )


def same_word(expected: str, printed: str, tolerance: float) -> bool:
    """Whether two words are the same; those with a decimal point within the tolerance.

    >>> same_word("0.5", "5e-1", 1e-6), same_word("5", "5.0", 1e-6), same_word("yes", "Yes", 1e-6)
    (True, False, False)
    """
    if expected == printed:
        return True
    if "." not in expected or not (DECIMAL.fullmatch(expected) and DECIMAL.fullmatch(printed)):
        return False
    return tolerance > 0 and math.isclose(float(expected), float(printed), rel_tol=tolerance, abs_tol=tolerance)


def told(suite: Suite, results: Sequence[Result], passed: Sequence[bool]) -> str:
    """How many tests passed, and the first that did not."""
    text = f"{sum(passed)} of {len(suite.tests)} tests passed"
    first = next((number for number, good in enumerate(passed) if not good), None)
    if first is None:
        return text
    result = results[first] if first < len(results) else Result(error="never reached")
    gave = f"gave {shown(result.value)}" if result.value is not None else shown(result.error)
    return f"{text}; test {first}: {gave}, expected {shown(suite.tests[first].expected)}"


def shown(value: Any) -> str:
    """A value in a reason."""
    text = value if isinstance(value, str) else written(value)
    return repr(text if len(text) <= SHOWN else f"{text[:SHOWN]}…")
