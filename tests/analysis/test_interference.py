"""Interference: the card's linear-softmax example, the null of winner-takes-all, and a real run's probes."""

import math
import random

import pytest
import torch

from workbench.analysis.evaluate import Tally
from workbench.analysis.interference import (
    between_problems,
    change_by_rate,
    changes_of,
    effects,
    interference,
    tallies_around,
    winner_takes_all,
)
from workbench.analysis.support import by_chance, split_null, support, token_entropy
from workbench.types.memory import Ledger

FEATURES = {"trained": [1.0, 1.0, 0.0], "similar": [1.0, 0.8, 0.2], "other": [0.0, 0.0, 1.0]}


def logprob(weight: torch.Tensor, problem: str, answer: int) -> torch.Tensor:
    """The log-prob of an answer of four under a linear policy."""
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


def test_updates_on_the_same_problem_and_incorrect_completions_do_not_count() -> None:
    effect = torch.tensor([[9.0, -1.0, 2.0], [-3.0, 9.0, -4.0], [5.0, 6.0, 9.0]])
    assert between_problems(effect, [True, True, False], [0, 0, 1]) == [2.0, -4.0]
    assert between_problems(effect, [False] * 3, [0, 1, 2]) == []


def test_the_ledger_tells_who_was_ahead() -> None:
    ledger = Ledger()
    ledger.take({"step": 1, "visits": [["a", 0, 4, 3.0, 5.0], ["b", 1, 4, 1.0, 5.0], ["c", 2, 4, 0.0, 5.0]]})
    ledger.take({"step": 2, "visits": [["a", 0, 4, 4.0, 5.0], ["b", 1, 4, 0.0, 5.0]]})
    assert tallies_around(ledger, 1) == ([Tally(3, 4), Tally(1, 4)], [Tally(4, 4), Tally(0, 4)])


def test_probes_tell_what_a_step_did_to_correct_completions() -> None:
    rows = [
        {"correct": 1.0, "logprob": [-1.0, -2.0], "after_logprob": [-1.5, -2.0]},
        {"correct": 1.0, "logprob": [-1.0], "after_logprob": [-0.75]},
        {"correct": 0.0, "logprob": [-1.0], "after_logprob": [-9.0]},
        {"correct": 1.0, "logprob": [-1.0], "after_logprob": None},
        {"correct": 1.0, "logprob": [math.nan], "after_logprob": [-1.0]},
    ]
    changes = changes_of(rows)
    assert changes == [-0.5, 0.25]
    found = interference(changes)
    assert (found.mean.value, found.negative.value) == (-0.125, 0.5)
    with pytest.raises(ValueError, match="no problem"):
        interference([])


def drawn(rates: list[float], tries: int, seed: int) -> list[Tally]:
    draw = random.Random(seed)
    return [Tally(sum(draw.random() < rate for _ in range(tries)), tries) for rate in rates]


def test_nothing_learnt_is_no_winner() -> None:
    rates = [0.5] * 600  # every difference between problems is luck
    base, again = drawn(rates, 8, 1), drawn(rates, 8, 2)
    found = winner_takes_all(again, base)
    assert abs(found.difference) < 0.03
    plain = change_by_rate(again, base)
    assert plain[1][1] > 0.2  # regression to the mean, were the same half to sort and to be compared with
    assert plain[4][1] < -0.2


def test_who_was_ahead_takes_all() -> None:
    rates = [0.15] * 200 + [0.85] * 200
    found = winner_takes_all(drawn([0.02] * 200 + [0.99] * 200, 16, 1), drawn(rates, 16, 2))
    assert found.easy == pytest.approx(0.14, abs=0.03)
    assert found.hard == pytest.approx(-0.13, abs=0.03)
    assert found.polarised > 0.5
    with pytest.raises(ValueError, match="two or more"):
        winner_takes_all([Tally(1, 1)], [Tally(1, 1)])


def test_the_null_of_the_rates_is_one_model_against_itself() -> None:
    rates = [random.Random(place).betavariate(0.3, 2) for place in range(300)]
    base = drawn(rates, 16, 3)
    null = split_null(base)
    first, second = drawn(rates, 8, 4), drawn(rates, 8, 5)
    seen = support(first, second)
    assert null.retention == pytest.approx(seen.retention, abs=0.06)
    assert null.discovery == pytest.approx(seen.discovery, abs=0.06)
    assert null.change == pytest.approx(0, abs=0.02)
    assert by_chance(base) == pytest.approx(len(seen.gained), rel=0.35)
    sure = split_null([Tally(4, 4)] * 3)
    assert (sure.retention, sure.discovery, sure.change) == (1, 0, 0)
    assert math.isnan(split_null([Tally(0, 4)]).retention)
    with pytest.raises(ValueError, match="to be halved"):
        split_null([Tally(1, 1)])


def test_token_entropy_is_a_mean_of_means() -> None:
    entropies = [[0.15] * 2, [0.5] * 6]
    assert token_entropy(entropies) == pytest.approx(0.325)
    pooled = sum(map(sum, entropies)) / 8
    assert pooled == pytest.approx(0.4125)
    with pytest.raises(ValueError, match="without tokens"):
        token_entropy([[]])
