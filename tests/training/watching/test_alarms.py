"""Alarms in a trainer and in a run: asked before or after the update, kept by checkpoints, heard by the worker."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.runs.growing import prepared
from tests.training.small_runs import make_settings, make_trainer
from workbench.kinds import Action, Alarm, Alert, Watched
from workbench.pieces.alarms import ZeroVariance, limits
from workbench.runs.directory.control import Control
from workbench.runs.open import open_run
from workbench.runs.process.attempt import Worker
from workbench.runs.process.worker import work
from workbench.training.trainer import Trainer
from workbench.types import State


@dataclass(frozen=True)
class Every(Alarm):
    """Speaks at every n-th step it was asked at."""

    action: str = "note"
    every: int = 2

    def __call__(self, state: State, seen: Watched) -> tuple[Alert | None, State]:
        asked = state.get("asked", 0) + 1
        action: Action = self.action  # type: ignore[assignment]
        return Alert(action, f"asked {asked}") if asked % self.every == 0 else None, {"asked": asked}


@dataclass(frozen=True)
class Early(Alarm):
    """Fails what has no loss yet."""

    before_update = True

    def __call__(self, state: State, seen: Watched) -> tuple[Alert | None, State]:
        assert "loss" not in seen.metrics
        assert "correct" in seen.metrics
        return Alert("fail", "refused before the update") if seen.step == 2 else None, state


@dataclass(frozen=True)
class Raising(Alarm):
    """Cannot do what it was made for."""

    def __call__(self, state: State, seen: Watched) -> tuple[Alert | None, State]:
        raise KeyError("nothing")


def trainer(*alarms: Alarm, steps: int = 4) -> Trainer:
    """A small trainer with these alarms behind those of every run."""
    found = make_trainer("grpo", make_settings(training={"steps": steps, "learning_rate": 1e-2}))
    found.alarms.alarms = (*limits(0.05, 0.5), *alarms)
    return found


def test_a_note_is_in_the_step() -> None:
    steps = list(trainer(Every()))
    assert [[alert.text for alert in step.alerts] for step in steps] == [[], ["asked 2"], [], ["asked 4"]]
    assert steps[1].alerts[0].alarm == "every"


def test_a_stop_ends_the_run_with_its_step_and_stays_ended(tmp_path: Path) -> None:
    run = trainer(Every("stop", 3), steps=9)
    steps = list(run)
    assert [step.ends for step in steps] == ["", "", "every: asked 3"]
    run.save(tmp_path)
    again = trainer(Every("stop", 3), steps=9)
    again.load(tmp_path)
    assert list(again) == []


def test_a_failing_alarm_keeps_the_step_from_the_update() -> None:
    run = trainer(Early())
    steps = iter(run)
    next(steps)
    before = {name: value.clone() for name, value in run.learner.weights().items()}
    with pytest.raises(ValueError, match="refused before the update"):
        next(steps)
    assert all(value.equal(before[name]) for name, value in run.learner.weights().items())
    assert run.step == 1


def test_an_alarm_that_raises_is_one_message_and_the_run_continues(tmp_path: Path) -> None:
    run = trainer(Raising(), Every())
    steps = []
    for step in run:
        steps.append(step)
        if step.number == 3:
            run.save(tmp_path)
    texts = [alert.text for step in steps for alert in step.alerts if alert.alarm == "raising"]
    assert texts == ["raised KeyError: 'nothing'; it is not asked again in this run"]
    assert [bool(step.alerts) for step in steps] == [True, True, False, True]
    again = trainer(Raising())
    again.load(tmp_path)
    assert [step.alerts for step in again] == [()]


def test_what_an_alarm_counted_is_resumed(tmp_path: Path) -> None:
    run = trainer(Every(every=3))
    steps = iter(run)
    next(steps), next(steps)
    run.save(tmp_path)
    again = trainer(Every(every=3))
    again.load(tmp_path)
    assert [[alert.text for alert in step.alerts] for step in again] == [["asked 3"], []]


# ------------------------------------------------------------------------------------------- in a run


def test_a_run_stops_with_the_alarm_among_its_events(tmp_path: Path) -> None:
    alarm = {"piece": "every", "action": "stop", "every": 2}
    directory = prepared(tmp_path, alarms=[alarm])
    assert work(directory, 1) == 0, directory.events.read_text()
    run = open_run(directory.path)
    (event,) = [line for line in run.event_lines() if line["kind"] == "alarm"]
    assert (event["text"], event["step"], event["action"]) == ("every: asked 2", 2, "stop")
    assert run.status.state == "finished"
    assert [line["text"] for line in run.event_lines() if line["kind"] == "finished"] == ["every: asked 2"]
    assert 'alarm = "every"' in directory.config.read_text()


def test_a_run_waits_after_an_alarm_that_pauses_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = prepared(tmp_path, steps=3, alarms=[{"piece": "every", "action": "pause", "every": 2}])
    states = []
    boundary = Worker.boundary

    def watched(worker: Worker) -> None:
        if worker.paused:
            states.append(worker.heart.step)
            Control(directory).send("resume")
        boundary(worker)

    monkeypatch.setattr(Worker, "boundary", watched)
    assert work(directory, 1) == 0, directory.events.read_text()
    assert states == [2]
    assert len(open_run(directory.path).lines()) == 4


def test_an_alarm_of_the_config_is_one_of_the_runs_own() -> None:
    from tests.runs.growing import growing_config
    from workbench.config import ConfigError
    from workbench.runs.process.build import alarms_of

    config = growing_config(alarms=["zero_variance"])
    assert [alarm.name for alarm in alarms_of(config)] == ["unscored", "falling_scores", "mismatch", "zero_variance"]
    assert alarms_of(config)[-1] == ZeroVariance()
    assert type(config).from_toml(config.to_toml()).alarms == config.alarms
    with pytest.raises(ConfigError, match=r"alarms.*no alarm is called 'zero_varianc'.*zero_variance"):
        growing_config(alarms=["zero_varianc"])
