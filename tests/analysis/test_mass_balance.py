"""BroRL's mass balance: its three terms against the exact step, their signs, and the numbers of its card."""

import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some

from workbench.analysis.mass_balance import balance, stepped, unsampled_moment


@given(seed=some.integers(0, 1000), right=some.floats(0, 2), wrong=some.floats(-2, 0))
def test_the_terms_are_the_exact_step_to_first_order(seed: int, right: float, wrong: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(8, generator=generator, dtype=torch.float64)
    correct, sampled = (torch.rand(8, generator=generator) < share for share in (0.4, 0.5))
    probability = logits.softmax(0)
    options = {"count": 3, "rewards": (right, wrong)}
    found = balance(probability, correct, sampled, step=1e-4, **options)
    exact = stepped(logits, correct, sampled, step=1e-4, **options)
    assert found.total == pytest.approx(exact, abs=1e-9)
    assert found.sampled_correct >= 0
    assert found.sampled_incorrect >= 0


def test_what_was_not_sampled_may_pull_mass_away() -> None:
    probability = torch.tensor([0.1, 0.5, 0.4], dtype=torch.float64)  # the large correct answer is not sampled
    correct = torch.tensor([True, True, False])
    sampled = torch.tensor([True, False, False])
    found = balance(probability, correct, sampled, step=1.0, count=1, rewards=(1.0, -1.0))
    assert found.unsampled < 0


def test_the_expected_moment_of_what_is_missed() -> None:
    probability = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
    expected = 0.0
    for drawn in itertools.product(range(3), repeat=4):
        chance = math.prod(float(probability[place]) for place in drawn)
        expected += chance * sum(float(probability[place]) ** 2 for place in range(3) if place not in drawn)
    assert unsampled_moment(probability, 4) == pytest.approx(expected)
    assert unsampled_moment(probability, 512) < 1e-9


def test_the_cards_chances_and_learning_rate() -> None:
    assert [1 - 0.99**count for count in (16, 512)] == pytest.approx([0.149, 0.994], abs=5e-4)
    assert math.sqrt(512 / 16) == pytest.approx(5.657, abs=5e-4)
