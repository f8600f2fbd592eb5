"""`exact`: the last marked answer, as text or number."""

import math

import pytest

from tests.rewards.reward_examples import score_text
from workbench.kinds import Reward
from workbench.rewards.exact import Exact


@pytest.mark.parametrize(
    ("reference", "text", "extracted"),
    [
        ("42", "14 + 28 = 42.\nanswer: 42", "42"),
        ("42", "answer: 41? no.\nanswer: 42\n", "42"),
        ("42", "Answer:  42.", "42"),
        ("42", "answer: \\boxed{42}", "42"),
        ("42", "<think>14</think><answer>42</answer>", "42"),
        ("42", "**Answer:** 42", "42"),
        ("1200", "answer: $1,200.00", "$1,200.00"),
        ("-3", "answer: −3", "−3"),
        ("Blue", "answer: blue", "blue"),
        ("42", "<think>answer: 1</think>answer: 42", "42"),
        ("42", "answer: 42 apples", "42 apples"),
    ],
)
def test_correct_answers(reference: str, text: str, extracted: str) -> None:
    found = score_text(Exact(), reference, text)
    assert (found.value, found.correct, found.extracted) == (1.0, True, extracted)


MISSING = r"""no <answer> tags, no \boxed{} and no "answer:" or "####" in the text; expected '42'"""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("answer: 43", "read '43' (marker), expected '42': numbers compared"),
        ("answer: 42\nanswer: 4", "read '4' (marker), expected '42': numbers compared"),
        ("It is 42.", MISSING),
        ("", MISSING),
        ("answer:   ", "nothing follows the last answer marker; expected '42'"),
        ("<think>answer: 42", "<think> is never closed by </think>: the thinking never ended; expected '42'"),
        ("<think>answer: 42</think>", MISSING),
        ("answer: 4 2", "read '4 2' (marker), expected '42': the answer is an expression, the reference a number"),
        (
            "answer: 40 + 2",
            "read '40 + 2' (marker), expected '42': the answer is an expression, the reference a number",
        ),
    ],
)  # fmt: skip
def test_incorrect_and_missing_answers_say_why(text: str, reason: str) -> None:
    found = score_text(Exact(), "42", text)
    assert (found.value, found.correct, found.reason) == (0.0, False, reason)


def test_without_reference_nothing_is_scored() -> None:
    found = score_text(Exact(), " ", "answer: 42")
    assert math.isnan(found.value)
    assert found.correct is None
    assert "no reference" in found.reason


def test_a_correct_answer_says_what_was_read_and_where() -> None:
    assert score_text(Exact(), "42", "answer: 42.0").reason == "read '42.0' (marker), matches '42': numbers compared"


def test_other_markers() -> None:
    assert score_text(Exact(marker="####"), "42", "so\n#### 42").correct is True
    assert score_text(Exact(think_end=""), "42", "<think>answer: 42").correct is True
    with pytest.raises(ValueError, match=r"exact.marker = ''"):
        Exact(marker="")
    assert Reward.parse({"piece": "exact", "marker": "####"}) == Exact(marker="####")
