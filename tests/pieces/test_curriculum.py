"""Curricula: levels by step and by rate on a made-up ledger, and in real runs that are resumed bit for bit."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.runs.real_run import same
from workbench.kinds import Pool
from workbench.pieces.curriculum import ByRate, ByStep
from workbench.runs.demo import demo_config
from workbench.runs.process.build import build
from workbench.tasks.levels import Levels
from workbench.tasks.np_hard import NpHard
from workbench.tasks.sums import Sums
from workbench.types.memory import Ledger


def pool_of(step: int, ledger: Ledger | None = None, size: int | None = None, count: int = 8) -> Pool:
    draws = [((number * 7919 + step * 104729) % 1000) / 1000 for number in range(100)]
    return Pool(size, count, 4, step, lambda number: draws[number % 100], ledger or Ledger())


def levels_of(picks: list[Any], levels: int) -> Counter[int]:
    return Counter(pick.number % levels for pick in picks)


def test_levels_begin_at_their_steps() -> None:
    sampler, state = ByStep(begins=(2, 4), review=0.0), ByStep(begins=(2, 4)).init()
    seen = []
    for step in range(1, 7):
        picks, state = sampler(state, pool_of(step))
        (level,) = levels_of(picks, 3)
        seen.append(level)
    assert seen == [0, 0, 1, 1, 2, 2]
    assert state["following"] == [16, 16, 16]  # no problem twice
    assert ByStep(begins=(9,)).levels == 2


def test_review_asks_the_levels_below_as_often_as_it_says() -> None:
    sampler, state, found = ByStep(begins=(1, 2), review=0.25), ByStep(begins=(1, 2)).init(), Counter[int]()
    for step in range(3, 103):
        picks, state = sampler(state, pool_of(step, count=16))
        found += levels_of(picks, 3)
    assert found[2] / sum(found.values()) == pytest.approx(0.75, abs=0.05)
    assert min(found[0], found[1]) > 50


def visited(ledger: Ledger, picks: list[Any], step: int, rate: float) -> None:
    visits = [[f"p{pick.number}", pick.number, 4, 4 * rate, None] for pick in picks]
    ledger.take({"step": step, "visits": visits})


def test_a_level_rises_and_falls_with_its_rate() -> None:
    sampler, ledger = ByRate(levels=3, up=0.7, down=0.1, window=16, review=0.0), Ledger()
    state, seen = sampler.init(), []
    rates = [0.75, 0.75, 0.9, 0.9, 0.05, 0.05, 0.7, 0.7, 0.0, 0.0, 0.0]
    for step, rate in enumerate(rates, start=1):
        picks, state = sampler(state, pool_of(step, ledger))
        (level,) = levels_of(picks, 3)
        seen.append(level)
        visited(ledger, picks, step, rate)
    # two steps of 8 fill the window; 0.7 is not above 0.7, and 0.0 lasts until the window holds no 0.7
    assert seen == [0, 0, 1, 1, 2, 2, 1, 1, 1, 1, 0]


def test_a_finite_task_is_walked_again_and_must_be_of_levels() -> None:
    sampler = ByStep(begins=(1,), review=0.0)
    picks, state = sampler(sampler.init(), pool_of(2, size=6))
    assert [pick.number for pick in picks] == [1, 3, 5, 1, 3, 5, 1, 3]
    with pytest.raises(ValueError, match="not 2 levels of equally many"):
        sampler(state, pool_of(3, size=7))


def test_fields_that_make_no_sense_are_refused() -> None:
    for make, text in ((lambda: ByStep(begins=(4, 2)), "rising"), (lambda: ByRate(up=0.1, down=0.2), "below up")):
        with pytest.raises(ValueError, match=text):
            make()
    with pytest.raises(ValueError, match="numbered from 0"):
        Levels((Sums(level=1), Sums(level=2))).problem(-1, "train")


def config(task: Any, sampler: dict[str, Any]) -> Any:
    return demo_config().replace(
        task=task,
        method={"method": "grpo", "sampler": sampler},
        rollouts={"problems": 4, "rollouts": 4, "max_tokens": 12},
        training={"steps": 3, "threads": 1, "target_accuracy": None, "max_seconds": None},
        evaluation={"problems": 0},
    )


LEVELS = {"task": "levels", "levels": [{"task": "sums", "level": 1}, {"task": "sums", "level": 3}]}


def test_a_run_climbs_and_is_resumed_bit_for_bit(tmp_path: Path) -> None:
    asked = config(LEVELS, {"piece": "by_rate", "levels": 2, "up": 0.01, "down": 0.0, "window": 4, "review": 0.0})
    whole = list(build(asked))
    assert {step.number: set(step.columns["source"]) for step in whole if step.columns}[1] == {"level-0"}
    assert set(whole[-1].columns["source"]) == {"level-1"}  # type: ignore[index]
    first = build(asked)
    steps = iter(first)
    next(steps)
    first.save(tmp_path / "one")
    again = build(asked)
    again.load(tmp_path / "one", {name: list(lines) for name, lines in whole[0].journal.items()})
    assert same(
        [step.columns["text"] for step in again if step.columns],
        [step.columns["text"] for step in whole[1:] if step.columns],
    )


def test_a_task_without_levels_is_told() -> None:
    with pytest.raises(ValueError, match="take the task `levels`"):
        list(build(config({"task": "sums"}, {"piece": "by_step", "begins": [1]})))


def test_levels_of_any_task() -> None:
    task = Levels((NpHard("clique", "tiny"), NpHard("clique", "easy")))
    assert [task.problem(number, "train").source for number in range(4)] == ["level-0", "level-1"] * 2
    assert len(task.problem(1, "train").prompt) > len(task.problem(0, "train").prompt)
