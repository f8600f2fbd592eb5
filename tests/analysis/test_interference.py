"""Interference: the card's linear-softmax example, the null of winner-takes-all, and a real run's probes."""

import math
import random

import pytest

from workbench.analysis.evaluate import Tally
from workbench.analysis.interference import (
    change_by_rate,
    changes_of,
    influence,
    interference,
    softmax_gradient,
    winner_takes_all,
)
from workbench.analysis.support import by_chance, split_null, support, token_entropy

ZERO = [[0.0, 0.0, 0.0]] * 4
LEARNED, SIMILAR, ORTHOGONAL = [1.0, 1.0, 0.0], [0.9, 0.9, 0.0], [0.0, 0.0, 1.0]


def log_softmax(weights: list[list[float]], features: list[float]) -> list[float]:
    scores = [sum(w * x for w, x in zip(row, features, strict=True)) for row in weights]
    top = math.log(sum(map(math.exp, scores)))
    return [score - top for score in scores]


def test_pushing_an_answer_of_one_prompt_moves_a_similar_one() -> None:
    """Answer 0 is pushed with step 0.1: a similar prompt moves by [.132, -.048, -.048, -.048], an orthogonal by 0."""
    push = softmax_gradient(LEARNED, 0, ZERO)
    moved = [[0.1 * push[3 * row + column] for column in range(3)] for row in range(4)]
    exact = [
        after - before for after, before in zip(log_softmax(moved, SIMILAR), log_softmax(ZERO, SIMILAR), strict=True)
    ]
    assert exact == pytest.approx([0.132, -0.048, -0.048, -0.048], abs=5e-4)
    products = [influence(softmax_gradient(SIMILAR, answer, ZERO), push, 1.0) for answer in range(4)]
    assert products == pytest.approx([1.35, -0.45, -0.45, -0.45])
    assert [influence(softmax_gradient(SIMILAR, answer, ZERO), push, 0.1) for answer in range(4)] == pytest.approx(
        exact, abs=5e-3
    )
    assert influence(softmax_gradient(ORTHOGONAL, 0, ZERO), push, 0.1) == 0
    assert influence(softmax_gradient(SIMILAR, 1, ZERO), push, 0.1, advantage=-1.0) > 0


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
