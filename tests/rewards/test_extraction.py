"""Where the answer of a text stands, and which texts are plain numbers."""

import time
from fractions import Fraction

import pytest

from workbench.rewards.extraction import after_thinking, find_answer
from workbench.rewards.numbers import read_number, same_number


@pytest.mark.parametrize(
    ("text", "answer", "source"),
    [
        (r"first \boxed{7}. No, \boxed{8}", "8", "box"),
        (r"\boxed{\boxed{5}}", "5", "box"),
        (r"\boxed{\text{a } \{1, 2\}} #### 9", r"\text{a } \{1, 2\}", "box"),
        (r"so $\boxed 7$.", "7", "box"),
        (r"\fbox{3}", "3", "box"),
        ("2 + 3 = 5\n#### 5\n", "5", "marker"),
        ("**Answer:** 12 apples", "12 apples", "marker"),
        ("Answer:\n\n $x = 3$", "$x = 3$", "marker"),
        ("The answer is 42. Check: 6 * 7 = 42.", "42", "marker"),
        ("She has 3 left.\nA: 3", "3", "marker"),
        ("The final answer is that there are 12 apples in 3 bags", "3", "last number behind the marker"),
        ("First 1,200, then $3.50", "$3.50", "last number"),
        ("it is 1/2", "1/2", "last number"),
        ("from 12 to -7 .", "-7", "last number"),
    ],
)
def test_finds(text: str, answer: str, source: str) -> None:
    found = find_answer(text)
    assert (found.text, found.source, found.missing) == (answer, source, "")


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("", "no number"),
        (r"\boxed{}", "empty"),
        (r"\boxed{12", "not closed"),
        (r"\boxed{1} and \boxed{\frac{1}{2}", "not closed"),
        ("answer:", "nothing follows"),
    ],
)
def test_says_what_is_missing(text: str, missing: str) -> None:
    found = find_answer(text)
    assert found.text == ""
    assert missing in found.missing


def test_weakest_form_that_counts() -> None:
    assert find_answer("#### 5", "boxed").missing == r"no \boxed{} in the text"
    assert find_answer("#### 5", "marked").text == "5"
    assert find_answer("it is 5", "marked").missing != ""


def test_thinking_is_cut_off() -> None:
    text = "<think>one</think>two</think>three"
    assert after_thinking(text, "</think>", "cut").text == "three"
    assert after_thinking(text, "</think>", "keep").text == text
    assert after_thinking("no tags", "</think>", "cut").text == "no tags"
    assert "never ended" in after_thinking("no tags", "</think>", "required").missing
    assert "never ended" in after_thinking("<think>one", "</think>", "cut").missing


@pytest.mark.parametrize("unit", ["{", "\\boxed{", "$", "1,", "answer: ", "\\", "9", "-", ". "])
def test_long_texts_take_time_in_proportion(unit: str) -> None:
    """A search that went through a text once for every place in it would need hours here."""
    started = time.process_time()
    find_answer(unit * (1_000_000 // len(unit)))
    assert time.process_time() - started < 60


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$18.00", Fraction(18)),
        ("-$5", Fraction(-5)),
        (".5", Fraction(1, 2)),
        ("1e5", Fraction(100000)),
        ("3 dozen eggs", Fraction(36)),
        ("12cm", Fraction(12)),
        ("5 square feet", Fraction(5)),
        ("3/4 cup", Fraction(3, 4)),
    ],
)
def test_plain_numbers(text: str, value: Fraction) -> None:
    found = read_number(text)
    assert found is not None
    assert found.value == value


@pytest.mark.parametrize(
    "text", ["", "x", "5x", "5 xy", "2 pi", "3 halves", "5 squared", "1/0", "12:00", "1,23", "+-5", "5 or 6", "9" * 201]
)
def test_formulas_are_no_plain_numbers(text: str) -> None:
    assert read_number(text) is None


@pytest.mark.parametrize(
    ("reference", "answer", "same"),
    [
        ("1/2", "50%", True),
        ("50%", "50", True),
        ("100", "1%", False),
        ("5 km", "5", True),
        ("5 km", "5 miles", None),
        ("1/3", "0.333333", None),
        ("0.5", "1/2", True),
    ],
)
def test_same_number(reference: str, answer: str, same: bool | None) -> None:
    first, second = read_number(reference), read_number(answer)
    assert first is not None
    assert second is not None
    assert same_number(first, second) is same
