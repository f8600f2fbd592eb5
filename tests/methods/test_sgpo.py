"""sGPO: the card's problems by hand, the phases in order, and a survey in a run."""

import math

import pytest

from tests.training.small_runs import make_settings, make_trainer
from workbench.kinds import Pool
from workbench.methods.sgpo import Profiled
from workbench.registry import find_method
from workbench.types.memory import Ledger

SUCCESSES = [8, 7, 6, 4, 3, 2, 1, 0, 0, 0]  # of eight


def pool(count: int = 3, lucky: bool = False, successes: list[int] = SUCCESSES) -> Pool:
    """The card's ten problems after their survey; later visits must not matter."""
    ledger = Ledger()
    ledger.take({"step": 0, "visits": [[f"p{n}", n, 8, float(s), 5.0] for n, s in enumerate(successes)]})
    ledger.take({"step": 1, "visits": [[f"p{n}", n, 8, 4.0, 5.0] for n in range(len(successes))]})
    return Pool(len(successes), count, 16, 2, lambda index: 0.05 if lucky else 0.5, ledger)


def test_the_cards_groups() -> None:
    phases = Profiled().phases(pool())
    assert phases == [[2, [2, 3, 4]], [4, [5]], [8, [6]]]
    sizes = [size for size, members in phases for _ in members]
    assert sum(sizes) == 18  # against 80 for eight rollouts of all ten
    assert Profiled().phases(pool(lucky=True)) == [[2, [2, 3, 4, 7, 8, 9]], [4, [5, 7, 8, 9]], [8, [6, 7, 8, 9]]]


def test_the_chance_of_a_mixed_group_is_the_cards() -> None:
    mixed = [1 - p**g - (1 - p) ** g for p, g in ((0.5, 2), (0.25, 4), (0.125, 8))]
    assert mixed == pytest.approx([0.50, 0.68, 0.66], abs=0.005)
    assert [Profiled().size_of(p) for p in (0.5, 0.25, 0.125)] == [2, 4, 8]


def test_small_groups_come_first_and_the_last_phase_repeats() -> None:
    sampler, state, found = Profiled(passes=2), Profiled().init(), []
    for _ in range(5):
        picks, state = sampler(state, pool(count=3))
        found += [(pick.number, pick.rollouts) for pick in picks]
    assert found == [(2, 2), (3, 2), (4, 2)] * 2 + [(5, 4)] * 2 + [(6, 8)] * 7


def test_where_nothing_can_be_trained_it_says_so() -> None:
    with pytest.raises(ValueError, match="of 2 problems none is solved at times"):
        Profiled()(Profiled().init(), pool(successes=[8, 0]))


def test_a_run_profiles_first_and_trains_groups_of_two() -> None:
    method = find_method("sgpo").override({"sampler": {"piece": "profiled", "problems": 6, "profile": 4}})
    steps = list(make_trainer(method, make_settings()))
    assert steps[0].metrics["survey"] == 6.0
    assert steps[0].metrics["survey.correct"] == 0.5
    for step in steps[1:]:
        assert step.metrics["rollouts"] == 8.0
        assert math.isfinite(step.metrics["loss"])
