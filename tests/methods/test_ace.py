"""ACE, worked by hand."""

import dataclasses

import pytest
import torch

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


def test_only_negative_advantages_of_incorrect_answers_are_enlarged():
    """Where rewards have more than two values an incorrect answer may be above the mean, and a correct one below."""
    correct = torch.tensor([1.0, 0.0, 0.0, 1.0], dtype=torch.float64)
    reward = torch.tensor([0.1, 0.9, 0.0, 1.0], dtype=torch.float64)
    batch = BATCH.replace(reward=reward, correct=correct)
    plain, found = (advantage_rows(find_method(key), batch) for key in ("grpo", "ace"))
    assert plain[0] < 0 < plain[1]
    assert_close(found[:2] + found[3:], plain[:2] + plain[3:], 1e-12)
    assert found[2] < plain[2] < 0


def test_the_cap_bounds_the_factor():
    method = dataclasses.replace(find_method("ace"), advantage=Overconfidence(cap=1.5))
    assert_close(advantage_rows(method, BATCH), [0.866024, -1.299036, -1.197316, 0.866024], 1e-6)


def test_without_strength_it_is_grpo_and_needs_no_reference():
    method = dataclasses.replace(find_method("ace"), advantage=Overconfidence(strength=0.0))
    assert method.needs == frozenset()
    assert_close(advantage_rows(method, BATCH), advantage_rows(find_method("grpo"), BATCH), 1e-12)
