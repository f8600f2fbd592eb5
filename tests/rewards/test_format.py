"""`format`: the layout of a text, whatever it says."""

import pytest

from tests.rewards.reward_examples import score_text
from workbench.rewards.format import Format

GOOD = "<think>2 + 2\nis 4</think>\n<answer>4</answer>\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (GOOD, "the layout is kept"),
        ("4", "<think> stands 0 times"),
        (GOOD + GOOD, "<think> stands 2 times"),
        ("<answer>4</answer><think>2</think>", "not in the order"),
        ("Well. " + GOOD, "text outside the tags: 'Well.'"),
        ("<think>2</think> so <answer>4</answer>", "text outside the tags: 'so'"),
        (GOOD + "Done", "text outside the tags: 'Done'"),
    ],
)
def test_tags(text: str, reason: str) -> None:
    found = score_text(Format(), "4", text)
    assert reason in found.reason
    assert found.value == float(reason == "the layout is kept")
    assert found.correct is None


def test_share_of_tags() -> None:
    assert score_text(Format(grade="parts"), "4", GOOD).value == 1.0
    assert score_text(Format(grade="parts"), "4", "<think>2</think> 4 </think>").value == 0.25


def test_prompt_that_opens_the_thinking() -> None:
    assert score_text(Format(opened=True), "4", "2 + 2</think><answer>4</answer>").value == 1.0
    assert score_text(Format(opened=True), "4", "2 + 2</think>so<answer>4</answer>").value == 0.0


def test_pattern() -> None:
    reward = Format(pattern=r".*\nanswer: -?\d+\n?")
    assert score_text(reward, "4", "one\ntwo\nanswer: 4").value == 1.0
    assert score_text(reward, "4", "answer: four").value == 0.0


def test_mistakes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"format.pattern = '\(': no regular expression"):
        Format(pattern="(")
    with pytest.raises(ValueError, match="leave pattern empty"):
        Format(pattern="a", grade="parts")
