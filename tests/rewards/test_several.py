"""The rewards of tasks around tasks: all boxes of a chain, a reward by source."""

import math

import pytest

from tests.rewards.reward_examples import make_rollout
from workbench.rewards.all_boxes import AllBoxes
from workbench.rewards.by_source import BySource
from workbench.rewards.exact import Exact
from workbench.rewards.math import Math
from workbench.types import Problem

CHAIN = Problem("1", "?", "7, 4", {"answers": ["7", "4"]})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r"\boxed{7} then \boxed{4}", 1),
        (r"\boxed{7.0} then \boxed{4}", 1),
        (r"<think>\boxed{1}</think> \boxed{9}, no: \boxed{7}, \boxed{4}", 1),
        (r"\boxed{7} \boxed{5}", 0),
        (r"\boxed{4}", 0),
        (r"\boxed{4} \boxed{7}", 0),
        (r"\boxed{7 \text{ or } 8} \boxed{4}", 0),
        (r"\boxed{7} \boxed{4} \boxed{4}", 0),
        (r"\boxed{7, 4}", 0),
        (r"\boxed{7} \boxed{4", 0),
        (r"<think>\boxed{7} \boxed{4}", 0),
        ("", 0),
        (r"\boxed{" * 100_000, 0),
        (r"\boxed{1}" * 50_000, 0),
        ("9" * 10_000_000, 0),
    ],
)
def test_all_boxes_in_their_order(text: str, value: float) -> None:
    (score,) = AllBoxes()(CHAIN, [make_rollout(text)], None)
    assert (score.value, score.correct) == (value, bool(value)), score.reason


def test_a_problem_without_answers_is_unscored() -> None:
    (score,) = AllBoxes()(Problem("1", "?", "7"), [make_rollout(r"\boxed{7}")], None)
    assert math.isnan(score.value)


def test_each_source_has_its_reward() -> None:
    reward = BySource({"words": Exact(), "formulas": Math()})
    texts = {"words": "answer: yes", "formulas": r"\boxed{\frac{1}{2}}", "other": "answer: yes"}
    answers = {"words": "yes", "formulas": "0.5", "other": "yes"}
    found = {
        name: reward(Problem("1", "?", answers[name], source=name), [make_rollout(text)], None)[0]
        for name, text in texts.items()
    }
    assert (found["words"].value, found["formulas"].value) == (1.0, 1.0)
    assert math.isnan(found["other"].value)
    assert "no reward for the source 'other'" in found["other"].reason
    (known,) = BySource({"a": Exact()}, Exact())(Problem("1", "?", "yes"), [make_rollout("answer: yes")], None)
    assert known.value == 1.0
