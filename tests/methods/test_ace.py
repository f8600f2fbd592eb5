"""ACE, worked by hand."""

import dataclasses

import pytest

from tests.batches import P_NEW, advantage_rows, assert_close, probable
from workbench.methods.ace import Overconfidence
from workbench.registry import find_method

BATCH = probable().replace(old_logprob=P_NEW.log())


@pytest.mark.parametrize(
    ("drift", "expected"),
    [
        ("sum", [0.866024, -1.984913, -1.197316, 0.866024]),
        ("mean", [0.866024, -1.617712, -1.363091, 0.866024]),
    ],
)
def test_wrong_answers_cost_more(drift, expected):
    method = dataclasses.replace(find_method("ace"), advantage=Overconfidence(drift=drift))
    assert_close(advantage_rows(method, BATCH), expected, 1e-6)


def test_the_cap_bounds_the_factor():
    method = dataclasses.replace(find_method("ace"), advantage=Overconfidence(cap=1.5))
    assert_close(advantage_rows(method, BATCH), [0.866024, -1.299036, -1.197316, 0.866024], 1e-6)


def test_without_strength_it_is_grpo_and_needs_no_reference():
    method = dataclasses.replace(find_method("ace"), advantage=Overconfidence(strength=0.0))
    assert method.needs == frozenset()
    assert_close(advantage_rows(method, BATCH), advantage_rows(find_method("grpo"), BATCH), 1e-12)
