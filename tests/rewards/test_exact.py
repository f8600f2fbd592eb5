"""`exact`: the last marked answer, as text or number."""

import math

import pytest

from tests.rewards.reward_examples import judge_text
from workbench.kinds import Reward
from workbench.rewards.exact import Exact


@pytest.mark.parametrize(
    ("reference", "text", "extracted"),
    [
        ("42", "14 + 28 = 42.\nanswer: 42", "42"),
        ("42", "answer: 41? no.\nanswer: 42\n", "42"),
        ("42", "Answer:  42.", "42."),
        ("1200", "answer: $1,200.00", "$1,200.00"),
        ("-3", "answer: −3", "−3"),
        ("Blue", "answer: blue", "blue"),
        ("42", "<think>answer: 1</think>answer: 42", "42"),
        ("42", "answer: 42 apples", "42 apples"),
    ],
)
def test_right_answers(reference: str, text: str, extracted: str) -> None:
    found = judge_text(Exact(), reference, text)
    assert (found.value, found.correct, found.extracted) == (1.0, True, extracted)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("answer: 43", "'43' is not '42'"),
        ("answer: 42\nanswer: 4", "'4' is not '42'"),
        ("It is 42.", "no 'answer:' in the text"),
        ("", "no 'answer:' in the text"),
        ("answer:   \n42", "nothing follows the last 'answer:'"),
        ("<think>answer: 42", "<think> is never closed by </think>: the thinking never ended"),
        ("<think>answer: 42</think>", "no 'answer:' in the text"),
        ("answer: 4 2", "'4 2' is not '42'"),
    ],
)
def test_wrong_and_missing_answers_say_why(text: str, reason: str) -> None:
    found = judge_text(Exact(), "42", text)
    assert (found.value, found.correct, found.reason) == (0.0, False, reason)


def test_without_reference_nothing_can_be_judged() -> None:
    found = judge_text(Exact(), " ", "answer: 42")
    assert math.isnan(found.value)
    assert found.correct is None
    assert "no reference" in found.reason


def test_other_markers() -> None:
    assert judge_text(Exact(marker="####"), "42", "so\n#### 42").correct is True
    assert judge_text(Exact(think_end=""), "42", "<think>answer: 42").correct is True
    with pytest.raises(ValueError, match=r"exact.marker = ''"):
        Exact(marker="")
    assert Reward.parse({"piece": "exact", "marker": "####"}) == Exact(marker="####")
