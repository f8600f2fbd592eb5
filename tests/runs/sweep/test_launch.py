"""Sweeps as folders and processes: started, killed, continued, grown, refused; and read by what reads runs."""

import os
import shutil
import signal
import time

import pytest
from typer.testing import CliRunner

from tests.runs.checks import checked_alone  # noqa: F401
from tests.runs.fake import FAKE
from workbench.cli import app
from workbench.config import ConfigError
from workbench.runs.compare import compare
from workbench.runs.directory.lock import Identity
from workbench.runs.directory.paths import DiskFullError, read_json, write_json
from workbench.runs.summary import find_runs
from workbench.runs.sweep import launch
from workbench.runs.sweep.launch import create, launch_experiment, place_table
from workbench.runs.sweep.opened import Sweep
from workbench.runs.sweep.place import find_place
from workbench.runs.sweep.plan import read_plan

pytestmark = pytest.mark.usefixtures("checked_alone")
LONG = 90.0
PLACE = {"on": "local", "jobs": 2, "program": list(FAKE.program)}
BASE = {
    "name": "small",
    "task": "sums",
    "rewards": ["exact"],
    "method": "grpo",
    "model": {"device": "cpu"},
    "training": {"steps": 6, "threads": 1},
}
AXES = {"grid": {"training.learning_rate": [0.1, 0.2]}}


@pytest.fixture
def idle(monkeypatch):
    """Queues are not started."""
    monkeypatch.setattr("workbench.runs.experiment.start_queue", lambda path: None)


def killed(identity):
    """Ends a process the hard way, and waits until it is gone."""
    os.kill(identity.pid, signal.SIGKILL)
    while identity.alive():
        time.sleep(0.02)


def until(condition):
    """Waits for something."""
    end = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_killed_sweep_continues_and_its_plays_are_those_of_one_never_killed(tmp_path):
    plan = read_plan(BASE, AXES)
    create(tmp_path / "small", plan, place_table(plan, PLACE))
    sweep = Sweep(tmp_path / "small")
    first, second = (sweep.run(play) for play in sweep.plays)
    for run, seconds in ((first, 0.1), (second, 0.0)):
        write_json(run.path / "plan.json", {"steps": 12, "seconds": seconds})
    sweep.resume()
    until(lambda: second.status.state == "finished" and first.status.step >= 2)
    killed(Identity.parse(read_json(sweep.path / "queue.json")))
    killed(Identity.parse(read_json(first.directory.lock)))
    assert first.status.state == "dead"
    assert "the queue process is gone; read" in sweep.ended
    kept = second.directory.metrics.read_bytes()
    again = launch_experiment(BASE, AXES, on=PLACE, runs=tmp_path)
    assert again.wait_for_queue(timeout=LONG).ended == ""
    assert again.counts() == {"finished": 2}
    assert again.ended == ""
    assert second.directory.metrics.read_bytes() == kept
    assert first.directory.attempts() == 2
    lines = [[(line["step"], line.get("reward")) for line in run.lines()] for run in (first, second)]
    assert [step for step, _ in lines[0]] == list(range(13))
    assert lines[0] == lines[1]


def test_the_runs_of_a_sweep_are_compared_like_any_others(tmp_path, idle):
    sweep = launch_experiment(BASE, {**AXES, "seeds": 2}, runs=tmp_path)
    for number, play in enumerate(sweep.plays):
        run = sweep.run(play)
        run.directory.metrics.write_text(f'{{"step": 1, "attempt": 1, "accuracy": 0.{number + 1}, "tokens": 9}}\n')
    found = compare(find_runs(tmp_path), by="training.learning_rate", against="0.1")
    assert {arm.name: arm.scores.ravel().tolist() for arm in found.arms} == {"0.2": [0.2, 0.4], "0.1": [0.1, 0.3]}
    assert found.difference(found.arm("0.2")).value == pytest.approx(0.1)


def test_mistakes_leave_nothing(tmp_path, idle):
    with pytest.raises(ConfigError, match="arm steps=0"):
        launch_experiment(BASE, {"grid": {"training.steps": [2, 0]}}, runs=tmp_path)
    with pytest.raises(ConfigError, match=r"arm rollouts=1: rollouts.rollouts = 1: grpo compares"):
        launch_experiment(BASE, {"grid": {"rollouts.rollouts": [4, 1]}}, runs=tmp_path)
    with pytest.raises(ValueError, match=r"sweep.on = 'locl': no such place \(did you mean 'local'\?\)"):
        launch_experiment(BASE, AXES, on="locl", runs=tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_disk_that_fills_while_plays_are_prepared_leaves_nothing(tmp_path, idle, monkeypatch):
    prepared = []

    def full(config, directory, text):
        prepared.append(directory)
        if len(prepared) == 2:
            raise DiskFullError(28, "no space left on device: here")

    monkeypatch.setattr(launch, "prepare", full)
    with pytest.raises(DiskFullError, match="no space left"):
        launch_experiment(BASE, AXES, runs=tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_sweep_grows_by_seeds_and_values_and_its_plays_stay(tmp_path, idle):
    sweep = launch_experiment(BASE, AXES, runs=tmp_path)
    before = {play: sweep.run(play).directory.config.stat().st_mtime_ns for play in sweep.plays}
    grown = launch_experiment(BASE, {"grid": {"training.learning_rate": [0.1, 0.2, 0.3]}, "seeds": 2}, runs=tmp_path)
    assert list(grown.plays)[:2] == list(sweep.plays)
    assert len(grown.plays) == len(grown.runs) == 6
    assert {play: grown.run(play).directory.config.stat().st_mtime_ns for play in before} == before
    assert not [path for path in grown.path.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize(
    ("config", "axes", "told"),
    [
        ({"training": {"steps": 7, "threads": 1}}, AXES, r"started with other settings \(training.steps was 6, is 7\)"),
        ({}, {"grid": {"training.learning_rate": [0.1]}}, r"has no play learning_rate-0.2-seed-0 any more"),
    ],
)
def test_an_edited_sweep_is_refused_in_one_message(tmp_path, idle, config, axes, told):
    sweep = launch_experiment(BASE, AXES, runs=tmp_path)
    before = (sweep.path / "sweep.json").read_bytes()
    with pytest.raises(ValueError, match=told) as error:
        launch_experiment({**BASE, **config}, axes, runs=tmp_path)
    assert "put back the config, or give the sweep another name" in str(error.value)
    assert (sweep.path / "sweep.json").read_bytes() == before


def test_a_field_that_a_later_version_brings_changes_no_play(tmp_path, idle):
    sweep = launch_experiment(BASE, AXES, runs=tmp_path)
    content = read_json(sweep.path / "sweep.json")
    for play in content["plays"]:
        content["plays"][play]["digest"] = "of a version without evaluation.every"
        file = sweep.run(play).directory.resolved
        tables = {name: value for name, value in read_json(file).items() if name != "sha256"}
        del tables["evaluation"]["every"]
        write_json(file, tables)
    write_json(sweep.path / "sweep.json", content)
    launch_experiment(BASE, AXES, runs=tmp_path)
    with pytest.raises(ValueError, match=r"evaluation.every was None, is 3"):
        launch_experiment({**BASE, "evaluation": {"every": 3}}, AXES, runs=tmp_path)


def test_a_sweep_at_work_takes_no_other_axes(tmp_path, idle, monkeypatch):
    launch_experiment(BASE, AXES, runs=tmp_path)
    monkeypatch.setattr(Sweep, "queue_alive", True)
    launch_experiment(BASE, AXES, runs=tmp_path)  # the same again: nothing to do
    with pytest.raises(ValueError, match="is at work by the axes it was started with"):
        launch_experiment(BASE, {**AXES, "seeds": 2}, runs=tmp_path)


def test_a_sweep_that_is_being_stopped_is_not_started(tmp_path, idle, monkeypatch):
    launch_experiment(BASE, AXES, runs=tmp_path).stop()
    monkeypatch.setattr(Sweep, "queue_alive", True)
    with pytest.raises(ValueError, match="is being stopped; start it again when"):
        launch_experiment(BASE, AXES, runs=tmp_path)
    monkeypatch.setattr(Sweep, "queue_alive", False)
    assert not (launch_experiment(BASE, AXES, runs=tmp_path).path / "stop.json").exists()


def test_arms_that_were_given_up_forbid_new_ones(tmp_path, idle):
    halving = {"at": [2]}
    sweep = launch_experiment(BASE, {**AXES, "halving": halving}, runs=tmp_path)
    write_json(sweep.path / "progress.json", {"rungs": [{"step": 2, "scores": {}, "given_up": ["learning_rate=0.1"]}]})
    with pytest.raises(ValueError, match="has given up arms at step 2"):
        launch_experiment(BASE, {**AXES, "halving": halving, "seeds": 2}, runs=tmp_path)
    launch_experiment(BASE, {**AXES, "halving": halving, "budget": {"hours": 2}}, runs=tmp_path)


def test_a_folder_of_something_else_is_left_alone(tmp_path, idle):
    (tmp_path / "small").mkdir()
    with pytest.raises(ValueError, match="is no sweep: give the sweep another name"):
        launch_experiment(BASE, AXES, runs=tmp_path)
    assert not list((tmp_path / "small").iterdir())


def test_the_cores_are_shared_by_threads(monkeypatch):
    monkeypatch.setattr("workbench.runs.sweep.places.local.cores", lambda: 8)
    assert find_place({"threads": 2}).room(1) == 3
    assert find_place({"threads": 16}).room(0) == 1
    assert find_place({"threads": 2, "jobs": 5}).room(7) == 0


FILE = """name = "small"
task = "sums"
rewards = ["exact"]
method = "grpo"
model.device = "cpu"
training = { steps = 6, threads = 1 }
[sweep]
seeds = 2
jobs = 2
[sweep.grid]
training.learning_rate = [0.1, 0.2]
"""


def test_the_command_plans_starts_and_tells(tmp_path, idle):
    config, runs = tmp_path / "c.toml", tmp_path / "runs"
    config.write_text(FILE)
    called = CliRunner()
    planned = called.invoke(app, ["sweep", str(config), "--plan", "--runs", str(runs)])
    assert planned.exit_code == 0, planned.output
    assert "4 plays of 2 arms, 2 side by side" in planned.output
    assert "time: not measured" in planned.output
    assert not runs.exists()
    started = called.invoke(app, ["sweep", str(config), "--runs", str(runs)])
    assert started.exit_code == 0, started.output
    assert started.output.count("queued") == 4
    stopped = called.invoke(app, ["sweep", str(config), "--stop", "--runs", str(runs)])
    assert "no play is started any more" in stopped.output
    assert (runs / "small" / "stop.json").exists()
    shutil.rmtree(runs)
    config.write_text(FILE.replace("0.2]", "-1]"))
    refused = called.invoke(app, ["sweep", str(config), "--runs", str(runs)])
    assert "arm learning_rate=-1: training.learning_rate = -1" in str(refused.exception)
