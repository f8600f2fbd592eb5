"""Errors at chosen rates, the same again; appeals; and the rates estimated."""

import math
from typing import Any

import pytest

from tests.rewards.asking_bench import Table, rollouts_of, scores
from workbench.analysis.verifier_errors import error_rates, missed_by_appeals
from workbench.rewards.exact import Exact
from workbench.rewards.format import Format
from workbench.rewards.noisy import Noisy
from workbench.rewards.rlpr import Rlpr
from workbench.types import Problem, Reply

PROBLEM = Problem("p", "Q?", "7")
MANY = rollouts_of(PROBLEM, *(f"{n} answer: {7 if n % 2 else 8}" for n in range(4000)))
TRUTH = [float(n % 2) for n in range(4000)]


def grades(reward: Noisy, bench: Any = None) -> list[float]:
    """1 or 0 for all of them."""
    return [float(bool(score.correct)) for score in scores(reward, PROBLEM, MANY, bench)]


def test_errors_come_at_the_chosen_rates_and_the_same_again() -> None:
    reward = Noisy(Exact(), missed=0.2, accepted=0.05)
    found = grades(reward)
    errors = error_rates(found, TRUTH)
    assert errors.missed is not None
    assert errors.accepted is not None
    assert errors.missed.value == pytest.approx(0.2, abs=0.03)
    assert errors.accepted.value == pytest.approx(0.05, abs=0.02)
    assert grades(reward) == found
    assert grades(Noisy(Exact(), missed=0.2, accepted=0.05, seed=1)) != found
    assert grades(Noisy(Exact(), missed=0.0)) == TRUTH


def test_an_appeal_gives_back_what_was_missed() -> None:
    whole = Noisy(Exact(), missed=0.3, accepted=0.0, appeal=Exact())
    assert grades(whole) == TRUTH
    part = Noisy(Exact(), missed=0.3, accepted=0.0, appeal=Exact(), appealed=0.5)
    found = scores(part, PROBLEM, MANY, None)
    rejected = sum("rejected" in score.reason for score in found)
    appealed = sum("appeal:" in score.reason for score in found)
    overturned = sum("appeal:" in score.reason and score.correct is True for score in found)
    assert appealed == pytest.approx(rejected / 2, rel=0.1)
    missed = missed_by_appeals(len(found) - rejected, rejected, appealed, overturned)
    assert missed == pytest.approx(0.3, abs=0.03)


def test_the_published_estimate() -> None:
    assert missed_by_appeals(40, 60, 30, 6) == pytest.approx(0.2308, abs=1e-4)
    with pytest.raises(ValueError, match="give numbers that fit"):
        missed_by_appeals(40, 60, 0, 0)


def test_what_is_not_graded_stays_as_it_was_and_a_reward_that_asks_may_be_wrapped() -> None:
    (score,) = scores(Noisy(Format(), missed=1.0), PROBLEM, MANY[:1], None)
    assert score.correct is None
    bench = Table(lambda question: Reply(signals={"logprob": (math.log(0.5),)}))
    wrapped = Noisy(Rlpr(debias=False), missed=1.0)
    assert wrapped.asks == {"policy"}
    assert scores(wrapped, PROBLEM, MANY[:1], bench)[0].value == pytest.approx(0.9 * 0.5 + 0.1)
    assert len(bench.asked) == 1
    assert Noisy.parse(wrapped.to_dict()) == wrapped
