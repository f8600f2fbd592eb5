"""The queue of a sweep on trainers that are threads: order, failures, budget, halving, and what a second queue does."""

import json

import pytest

from tests.runs.checks import checked_alone  # noqa: F401
from tests.runs.sweep.threads import Threads
from workbench.runs.directory.paths import read_json, write_json
from workbench.runs.sweep import queue
from workbench.runs.sweep.launch import create, place_table
from workbench.runs.sweep.opened import Sweep
from workbench.runs.sweep.plan import read_plan
from workbench.runs.sweep.queue import Queue

pytestmark = pytest.mark.usefixtures("checked_alone")
BASE = {
    "name": "small",
    "task": "sums",
    "rewards": ["exact"],
    "method": "grpo",
    "model": {"device": "cpu"},
    "training": {"steps": 6, "threads": 1},
}
RATES = {"training.learning_rate": [0.1, 0.2, 0.3, 0.4]}


@pytest.fixture
def made(tmp_path):
    """Makes a sweep's folder without starting its queue."""

    def make(**axes):
        plan = read_plan(BASE, axes)
        create(tmp_path / "small", plan, place_table(plan, ""))
        return Sweep(tmp_path / "small")

    return make


def work(sweep, place):
    """A queue's life on a sweep."""
    return Queue(Sweep(sweep.path), place, poll=0.02).work()


def states(sweep):
    """How the plays stand, by name."""
    return {row["play"]: row["state"] for row in sweep.rows()}


def rate(play):
    """The learning rate in a play's name."""
    return float(play.split("_")[1].split("-")[1])


def test_every_play_is_started_once_and_no_more_side_by_side_than_fit(made):
    sweep, place = made(seeds=2, grid={"training.learning_rate": [0.1, 0.2]}), Threads(jobs=2)
    assert work(sweep, place).ended == ""
    assert place.started == list(sweep.plays)
    assert set(states(sweep).values()) == {"finished"}
    assert place.most <= 2
    assert work(sweep, place).ended == ""  # a second queue finds nothing to do
    assert len(place.started) == 4


def test_an_arm_that_fails_at_the_start_costs_one_play_and_the_others_go_on(made):
    sweep = made(seeds=3, grid={"training.learning_rate": [0.1, 0.2]})
    place = Threads(jobs=1, fails=lambda play: rate(play) == 0.1)
    work(sweep, place)
    assert place.started.count("learning_rate-0.1-seed-0") == 1
    found = {row["play"]: (row["state"], row["why"]) for row in sweep.rows()}
    assert found["learning_rate-0.1-seed-0"] == ("failed", "no such weights")
    assert found["learning_rate-0.1-seed-2"][0] == "queued"
    assert "a play of its arm failed before the first step" in found["learning_rate-0.1-seed-2"][1]
    assert [state for play, (state, _) in found.items() if rate(play) == 0.2] == ["finished"] * 3
    work(sweep, Threads())  # what was wrong is put right: the same sweep goes on
    assert set(states(sweep).values()) == {"finished"}


def test_halving_keeps_the_better_arms_by_their_metrics_up_to_the_step(made):
    halving = {"at": [2, 4], "keep": 0.5}
    sweep = made(seeds=2, grid=RATES, halving=halving)
    place = Threads(jobs=3, value=lambda play, step: rate(play), holds=(2, 4))
    found = work(sweep, place)
    assert [rung["given_up"] for rung in found.rungs] == [
        ["learning_rate=0.1", "learning_rate=0.2"],
        ["learning_rate=0.3"],
    ]
    assert found.rungs[0]["scores"]["learning_rate=0.4"] == pytest.approx(0.4)
    done = states(sweep)
    assert {play for play, state in done.items() if state == "finished"} == {
        "learning_rate-0.4-seed-0",
        "learning_rate-0.4-seed-1",
    }
    assert set(done.values()) == {"finished", "given up"}
    steps = [line["step"] for line in sweep.run("learning_rate-0.4-seed-0").lines()]
    assert steps == [1, 2, 3, 4, 5, 6]  # stopped and continued: no step twice


def test_what_comes_after_the_step_does_not_count(made):
    sweep = made(grid=RATES, seeds=2, halving={"at": [2]})
    for play, values in zip(list(sweep.plays)[::4], ([0.1, 0.3, 9.0], [0.2, None, 9.0]), strict=True):
        lines = [{"step": step, "accuracy": value} for step, value in enumerate(values, start=1) if value]
        sweep.run(play).directory.metrics.write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = Queue(sweep, Threads())
    assert found.score("learning_rate=0.1", 2, found.axes.halving) == pytest.approx((0.3 + 0.2) / 2)
    assert found.score("learning_rate=0.2", 2, found.axes.halving) is None


def test_lowest_is_best_where_asked_and_a_failed_arm_is_the_worst(made):
    halving = {"at": [2], "keep": 0.25, "best": "lowest"}
    sweep = made(grid=RATES, halving=halving)
    place = Threads(value=lambda play, step: rate(play), fails=lambda play: rate(play) == 0.1)
    (rung,) = work(sweep, place).rungs
    assert rung["given_up"] == ["learning_rate=0.1", "learning_rate=0.3", "learning_rate=0.4"]
    assert rung["scores"]["learning_rate=0.1"] is None


def test_a_metric_that_no_play_has_gives_nobody_up(made):
    sweep = made(grid=RATES, halving={"at": [2], "metric": "acuracy"})
    found = work(sweep, Threads())
    assert "sweep.halving.metric = 'acuracy': no play has it up to step 2; accuracy, seconds is there" in found.ended
    assert not found.rungs


def test_the_budget_of_plays_takes_every_arm_first(made):
    sweep, place = made(seeds=3, grid={"training.learning_rate": [0.1, 0.2]}, budget={"plays": 3}), Threads()
    work(sweep, place)
    assert place.started == ["learning_rate-0.1-seed-0", "learning_rate-0.2-seed-0", "learning_rate-0.1-seed-1"]


def test_the_budget_of_hours_stops_plays_that_can_be_continued(made):
    sweep = made(grid={"training.learning_rate": [0.1, 0.2]}, budget={"hours": 0.05 / 3600})
    found = work(sweep, Threads(jobs=1, holds=(4,)))
    assert "budget of 1.38889e-05 h is used up" in found.ended
    first, second = (sweep.run(play) for play in sweep.plays)
    assert (first.status.state, second.status.state) == ("stopped", "queued")
    assert 0 < first.status.step <= 4
    content = read_json(sweep.path / "sweep.json")
    write_json(sweep.path / "sweep.json", {**content, "axes": {**content["axes"], "budget": {"hours": 1.0}}})
    found = work(sweep, Threads(jobs=2))
    assert set(states(sweep).values()) == {"finished"}
    assert found.seconds > 0.05
    assert [line["step"] for line in first.lines()] == list(range(1, 7))


def test_a_full_disk_starts_nothing_more_and_says_so(made, monkeypatch):
    sweep, place = made(grid={"training.learning_rate": [0.1, 0.2]}), Threads(jobs=1)
    monkeypatch.setattr(queue, "free_bytes", lambda path: 0 if place.started else 10**9)
    found = work(sweep, place)
    assert "no space left on device" in found.ended
    assert "make room and start the sweep again" in found.ended
    assert len(place.started) == 1
    monkeypatch.undo()
    work(sweep, place)
    assert set(states(sweep).values()) == {"finished"}


def test_a_play_whose_config_was_edited_is_left_and_told(made):
    sweep = made(grid={"training.learning_rate": [0.1, 0.2]})
    first = sweep.run("learning_rate-0.1-seed-0").directory.config
    first.write_text(first.read_text().replace("steps = 6", "steps = 7"))
    place = Threads()
    found = work(sweep, place)
    assert place.started == ["learning_rate-0.2-seed-0"]
    assert "training.steps" in found.problems["learning_rate-0.1-seed-0"]


def test_a_broken_progress_is_no_decision(made):
    sweep = made(grid={"training.learning_rate": [0.1, 0.2]})
    (sweep.path / "progress.json").write_text(json.dumps({"rungs": [{"step": "x"}]}))
    with pytest.raises(ValueError, match=r"rungs = .* is not a list of decisions.*put back the file"):
        work(sweep, Threads())
