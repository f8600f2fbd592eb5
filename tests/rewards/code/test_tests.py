"""Unit tests as data sets keep them, and what counts as the expected result."""

import json

import pytest

from workbench.rewards.code.tests import Suite, UnitTest, passes, same_lines, suite_of, told
from workbench.sandbox.jobs import Result


def test_functions_and_programs_that_print() -> None:
    apps = {"fn_name": "add", "inputs": [[1, 2], [[3], "a"]], "outputs": [3, [3, "a"]]}
    suite = suite_of(json.dumps(apps))
    assert (suite.style, suite.entry, suite.calls) == ("function", "add", ("(1, 2)", "([3], 'a')"))
    assert suite.tests[1].expected == [3, "a"]
    printing = suite_of(json.dumps({"inputs": ["1\n2\n", ["3", "4"]], "outputs": ["3\n", ["7"]]}))
    assert (printing.style, printing.calls) == ("stdin", ("1\n2\n", "3\n4"))
    assert printing.tests[1].expected == "7"


def test_the_rows_of_live_code_bench() -> None:
    rows = [{"input": "2\n", "output": "4\n", "testtype": "stdin"}]
    assert suite_of(json.dumps(rows)) == Suite("stdin", "", (UnitTest("2\n", "4\n"),))
    rows = [{"input": '[1, 2]\n"x"', "output": "true", "testtype": "functional"}]
    suite = suite_of(json.dumps({"tests": rows, "func_name": "has"}))
    assert suite == Suite("function", "has", (UnitTest("([1, 2], 'x')", True),))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("42", "neither a table nor a list"),
        ("x", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("{}", "need inputs and outputs"),
        ("[]", "not one test"),
        ('{"inputs": [1], "outputs": []}', "as many of one"),
        ('[{"input": "1"}]', "no list of tables"),
        ('{"inputs": [1], "outputs": [2]}', "are texts"),
        ('{"inputs": [1], "outputs": [2], "fn_name": "f"}', "are no list"),
        ('{"inputs": ["x"], "outputs": ["1"], "fn_name": "f"}', "Expecting value"),
        (json.dumps({"inputs": [""], "outputs": ["x" * 300_000]}), "more than 262144 bytes"),
        (json.dumps({"inputs": [[1]], "outputs": ["x" * 70_000], "fn_name": "f"}), "too long"),
    ],
)
def test_tests_that_cannot_be_read_or_passed_say_why(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        suite_of(text)


@pytest.mark.parametrize(
    ("expected", "printed", "same"),
    [
        ("3\n", "3", True),
        ("3 4\n5\n", "3  4 \n5\n\n", True),
        ("0.5", "0.5000000001", True),
        ("0.5", "0.6", False),
        ("5", "5.0", False),
        ("5.0", "5", True),
        ("yes", "YES", False),
        ("1\n2", "1 2", False),
        ("0.5", "nan", False),
        ("0.5", "0.5 0.5", False),
        ("0.5", "5e-1", True),
        ("0.5", "1e999", False),
        ("a", "", False),
    ],
)
def test_printed_texts(expected: str, printed: str, same: bool) -> None:
    assert same_lines(expected, printed, 1e-6) is same


def test_results_are_compared_as_values() -> None:
    suite = suite_of(json.dumps({"fn_name": "f", "inputs": [[1]], "outputs": [[1, [2.0]]]}))
    (test,) = suite.tests
    for text, good in (
        ("[1, [2]]", True),
        ("(1, (2.0,))", True),
        ("[True, [2]]", False),
        ("x", False),
        ("[1, 2]", False),
    ):
        assert passes(suite, test, Result(text), 1e-6) is good
    assert not passes(suite, test, Result(error="ZeroDivisionError"), 1e-6)
    assert told(suite, [Result("7")], [False]) == "0 of 1 tests passed; test 0: gave '7', expected '[1, [2.0]]'"
