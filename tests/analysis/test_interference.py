"""Interference between problems on a linear policy that can be worked out, and who wins by the ledger."""

import math

import pytest
import torch

from workbench.analysis.interference import effects, interference, rates_around, winner_take_all
from workbench.types.memory import Ledger

FEATURES = {"trained": [1.0, 1.0, 0.0], "similar": [1.0, 0.8, 0.2], "other": [0.0, 0.0, 1.0]}


def logprob(weight: torch.Tensor, problem: str, answer: int) -> torch.Tensor:
    """The log-prob of an answer of four."""
    return torch.log_softmax(weight @ torch.tensor(FEATURES[problem], dtype=torch.float64), 0)[answer]


@pytest.mark.parametrize(
    ("problem", "expected", "moved"),
    [("similar", [1.35, -0.45, -0.45, -0.45], [0.132, -0.048, -0.048, -0.048]), ("other", [0.0] * 4, [0.0] * 4)],
)
def test_the_cards_linear_policy(problem: str, expected: list[float], moved: list[float]) -> None:
    weight = torch.zeros(4, 3, dtype=torch.float64, requires_grad=True)
    rows = [logprob(weight, "trained", 0), *(logprob(weight, problem, answer) for answer in range(4))]
    effect = effects(rows, [1.0, 0.0, 0.0, 0.0, 0.0], [weight])
    assert effect[1:, 0].tolist() == pytest.approx(expected)
    (step,) = torch.autograd.grad(logprob(weight, "trained", 0), weight)
    with torch.no_grad():
        change = [logprob(weight + 0.1 * step, problem, n) - logprob(weight, problem, n) for n in range(4)]
    assert [float(each) for each in change] == pytest.approx(moved, abs=5e-4)


def test_pairs_of_one_problem_and_incorrect_ones_do_not_count() -> None:
    effect = torch.tensor([[9.0, -1.0, 2.0], [-3.0, 9.0, -4.0], [5.0, 6.0, 9.0]])
    found = interference(effect, [True, True, False], [0, 0, 1])
    assert (found.pairs, found.negative, found.mean) == (2, 0.5, -1.0)
    assert math.isnan(interference(effect, [False] * 3, [0, 1, 2]).mean)


def test_who_wins_is_read_from_the_ledger() -> None:
    ledger = Ledger()
    ledger.take({"step": 1, "visits": [["a", 0, 4, 3.0, 5.0], ["b", 1, 4, 1.0, 5.0], ["c", 2, 4, 0.0, 5.0]]})
    ledger.take({"step": 2, "visits": [["a", 0, 4, 4.0, 5.0], ["b", 1, 4, 0.0, 5.0]]})
    before, after = rates_around(ledger, 1)
    assert before == [0.75, 0.25, 0.0]
    assert after[:2] == [1.0, 0.0]
    assert math.isnan(after[2])
    found = winner_take_all(before, after)
    assert (found.often, found.seldom, found.lost, found.gap) == (0.25, -0.25, 1.0, 0.5)
