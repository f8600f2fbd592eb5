"""The task for small real models: references follow from the numbers, splits share no pair, nothing can be farmed."""

import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.rewards.math import Math
from workbench.tasks.two_numbers import INSTRUCTION, QUESTIONS, STORIES, TwoNumbers, split_of
from workbench.types import Request, Rollout

TASKS = st.builds(
    TwoNumbers,
    form=st.sampled_from(["sums", "stories", "both"]),
    operations=st.sampled_from(["+", "-", "+-"]),
    least=st.integers(1, 50),
    largest=st.integers(58, 999),
    seed=st.integers(0, 10**6),
)


@given(task=TASKS, number=st.integers(0, 10**6), split=st.sampled_from(["train", "test"]))
def test_the_reference_follows_from_the_numbers_and_the_prompt_shows_them(task, number, split):
    problem = task.problem(number, split)
    assert problem == task.problem(number, split)
    (left, right), (operation,) = problem.data["numbers"], problem.data["operations"]
    assert operation in task.operations
    assert int(problem.answer) == (left + right if operation == "+" else left - right) > 0
    assert task.least <= min(left, right) <= max(left, right) <= task.largest
    assert re.findall(r"\d+", problem.prompt) == [str(left), str(right)]
    assert problem.prompt.endswith(f"? {INSTRUCTION}")
    assert split_of(left, right) == split_of(right, left) == split


@pytest.mark.parametrize("least", [1, 50])
def test_both_splits_have_pairs_at_the_smallest_range(least):
    task = TwoNumbers(least=least, largest=least + 8)
    pairs = {
        split: {frozenset(task.problem(n, split).data["numbers"]) for n in range(100)} for split in ("train", "test")
    }
    assert len(pairs["train"]) > len(pairs["test"]) > 1
    assert not pairs["train"] & pairs["test"]


def test_every_question_and_story_comes_up():
    found = Counter(TwoNumbers().problem(number, "train").data["template"] for number in range(400))
    assert len(found) == 2 * len(QUESTIONS) + sum(map(len, STORIES.values()))


def test_a_range_without_room_for_two_splits_is_refused():
    with pytest.raises(ValueError, match=r"set largest to 28 or more"):
        TwoNumbers(least=20, largest=25)


@pytest.mark.parametrize(
    ("text", "correct"),
    [
        ("13", True),
        ("4 + 9 = 13", True),
        ("The answer is 13.", True),
        ("14", False),
        ("1 2 3 4 5 6 7 8 9 10 11 12 13 14", False),
        ("13 or 14", False),
        ("", False),
    ],
)
def test_the_last_number_counts_so_that_listing_them_earns_nothing(text, correct):
    task = TwoNumbers(form="sums", operations="+", largest=9)
    problem = next(p for p in (task.problem(n, "train") for n in range(500)) if p.answer == "13")
    rollout = Rollout(Request(problem, (1,), 0, 0), 0, [1], text, [-1.0], [-1.0], "stop")
    (part,) = Math()(problem, [rollout], None)
    assert part.correct is correct
