"""The forecast of a whole sweep: plays side by side, disk of all, and hours by the clock."""

import pytest

from workbench.runs.sweep import forecast as module
from workbench.runs.sweep.forecast import ArmForecast, clock, forecast_sweep
from workbench.runs.sweep.plan import read_plan

BASE = {
    "name": "small",
    "task": "sums",
    "rewards": ["exact"],
    "method": "grpo",
    "model": {"device": "cpu"},
    "training": {"steps": 6, "threads": 1},
}
AXES = {"grid": {"rollouts.rollouts": [4, 32]}, "seeds": 3, "jobs": 2}


def test_the_largest_plays_stand_side_by_side_and_all_lie_on_disk(tmp_path):
    found = forecast_sweep(read_plan(BASE, AXES), tmp_path / "absent" / "runs")
    small, large = found.arms
    assert (found.plays, found.jobs, small.plays, large.plays) == (6, 2, 3, 3)
    assert large.peak > small.peak
    assert found.peak == 2 * large.peak
    assert found.disk == 3 * (small.disk + large.disk)
    assert found.seconds is None
    assert not (tmp_path / "absent").exists()


def test_the_budget_and_halving_are_told(tmp_path):
    axes = {**AXES, "budget": {"plays": 3, "hours": 2}, "halving": {"at": [2]}}
    found = forecast_sweep(read_plan(BASE, axes), tmp_path)
    assert [arm.plays for arm in found.arms] == [2, 1]
    assert len(found.left_out) == 2
    assert "the budget ends the sweep after 2 h" in found.describe()


def test_plays_that_fit_alone_may_not_fit_together(tmp_path, monkeypatch):
    alone = forecast_sweep(read_plan(BASE, AXES), tmp_path).arms[1].peak
    monkeypatch.setattr("workbench.planning.forecast.free_memory", lambda device: int(alone * 1.5))
    found = forecast_sweep(read_plan(BASE, AXES), tmp_path)
    assert "does not fit" not in (arm.fit for arm in found.arms)
    assert found.fit == "does not fit"
    assert "  to make it fit: set fewer sweep.jobs" in found.describe()


def test_hours_are_those_of_the_clock(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "measured", lambda config, seconds: 100.0 * config.rollouts.rollouts)
    found = forecast_sweep(read_plan(BASE, AXES), tmp_path, timed=1.0)
    assert found.seconds == pytest.approx((3 * 400 + 3 * 3200) / 2)
    assert clock([ArmForecast("a", 1, "fits", 1, 1, 90.0), ArmForecast("b", 1, "fits", 1, 1, 10.0)], 2) == 90.0
