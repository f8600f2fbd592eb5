"""Metrics reach TensorBoard's files; what is not installed or not known is refused by name."""

import importlib.util
from pathlib import Path

import pytest
import typer
from tensorboardX.proto.event_pb2 import Event
from tensorboardX.record_writer import masked_crc32c
from typer.testing import CliRunner

from tests.widgets.fake_run import Shape, make_run
from workbench.commands.track import track as track_command
from workbench.runs.exchange.trackers import checked, track, track_in_background
from workbench.runs.open import open_run


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Every number in the event files of a folder: name -> (step, value)."""
    found: dict[str, list[tuple[int, float]]] = {}
    for path in sorted(folder.rglob("events.out.tfevents.*")):
        data, at = path.read_bytes(), 0
        while at < len(data):
            size = int.from_bytes(data[at : at + 8], "little")
            content = data[at + 12 : at + 12 + size]
            assert masked_crc32c(content) == int.from_bytes(data[at + 12 + size : at + 16 + size], "little")
            event = Event.FromString(content)
            for value in event.summary.value:
                found.setdefault(value.tag, []).append((event.step, value.simple_value))
            at += 16 + size
    return found


def test_every_step_reaches_tensorboard(tmp_path: Path) -> None:
    run = open_run(make_run(tmp_path / "fake", Shape(steps=3, problems=2, rollouts=2)))
    (run.path / "logs").mkdir()
    assert track(run, ["tensorboard"], follow=False) == 4
    written = scalars(run.path / "logs" / "tensorboard")
    frame = run.metrics()
    rewards = frame[frame["step"] > 0]["reward"].tolist()
    assert [step for step, _ in written["reward"]] == [1, 2, 3]
    assert [value for _, value in written["reward"]] == pytest.approx(rewards, rel=1e-6)
    assert written["accuracy"][0] == (0, pytest.approx(0.41))


def test_the_command_says_how_to_look_at_it(tmp_path: Path) -> None:
    run = open_run(make_run(tmp_path / "a fake", Shape(steps=2, problems=2, rollouts=2)))
    (run.path / "logs").mkdir()
    app = typer.Typer()
    app.command()(track_command)
    told = CliRunner().invoke(app, [str(run.path), "--to", "tensorboard"], catch_exceptions=False).stdout
    assert f"tensorboard --logdir '{run.path / 'logs' / 'tensorboard'}'\n" in told
    assert "3 steps of a fake exported to tensorboard" in told
    assert scalars(run.path / "logs" / "tensorboard")


def test_in_the_background_it_ends_with_the_run(tmp_path: Path) -> None:
    run = open_run(make_run(tmp_path / "fake", Shape(steps=2, problems=2, rollouts=2)))
    (run.path / "logs").mkdir()
    process = track_in_background(run, ["tensorboard"])
    assert process.wait(90) == 0, (run.path / "logs" / "trackers.log").read_text()
    assert len(scalars(run.path / "logs" / "tensorboard")["reward"]) == 2


def test_unknown_and_missing_trackers_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"'paper' is no tracker; wandb needs .* pip install wandb; there are"):
        checked(["paper", "wandb"])
    with pytest.raises(ValueError, match="no tracker is named"):
        checked([])
