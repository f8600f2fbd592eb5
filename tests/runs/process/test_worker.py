"""The trainer process with a trainer that has no model: steps, orders, kills, a full disk."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest

from tests.runs.fake import FAKE
from workbench.runs.directory.checkpoint import keep, newest_checkpoint, read_checkpoint, settle_folders
from workbench.runs.directory.control import Control
from workbench.runs.directory.paths import RunDirectory, read_json
from workbench.runs.open import Run, open_run

LONG = 30.0  # seconds; far more than anything here takes


def weights(directory: RunDirectory) -> Any:
    """The weights in the newest checkpoint."""
    newest = newest_checkpoint(directory)
    assert newest is not None
    with numpy.load(newest.path / "weights.npz") as found:
        return found["weights"]


def reached(run: Run, step: int) -> None:
    """Waits until a step is recorded."""
    for line in run.follow(timeout=LONG):
        if line["step"] >= step:
            return
    raise AssertionError(f"step {step} never came: {run.status}")


def until(what: Callable[[], bool]) -> None:
    """Waits until something is so."""
    end = time.monotonic() + LONG
    while not what():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_run_records_its_steps_and_finishes(directory: RunDirectory, here: Callable[..., int]) -> None:
    assert here(steps=5, every=2) == 0
    run = open_run(directory.path)
    assert run.status.state == "finished"
    assert list(run.metrics()["step"]) == [0, 1, 2, 3, 4, 5]
    assert run.steps() == [1, 2, 3, 4, 5]
    assert run.status.tokens == 40
    assert list(run.evaluations()["correct"]) == [0.25]
    assert sorted(path.name for path in directory.checkpoints.iterdir()) == [
        *("last", "step-000002", "step-000004", "step-000005")
    ]
    assert list(run.events()["kind"]) == ["started", *["note"] * 5, "finished"]
    assert directory.lock.read_text() == ""
    assert not (directory.logs / "reserve").exists()


def test_a_failing_trainer_says_why(
    directory: RunDirectory, here: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert here(steps=5, fail=3) == 1
    run = open_run(directory.path)
    assert (run.status.state, run.status.text) == ("failed", "RuntimeError: the weights ran away")
    assert "Traceback" in capsys.readouterr().err
    assert run.event_lines()[-1]["text"] == "RuntimeError: the weights ran away"
    assert here(steps=5) == 0  # the cause is gone
    assert list(run.metrics()["attempt"]) == [1, 1, 1, 2, 2, 2]


def test_orders_are_followed_at_a_border_and_noted(background: Callable[..., Run]) -> None:
    run = background(steps=1000, seconds=0.01)
    reached(run, 2)
    assert run.set(wait=LONG, rate=0.75)["text"] == "rate: 0.5 -> 0.75"
    with pytest.raises(ValueError, match="refused set: learning_rate cannot change; rate can"):
        run.set(wait=LONG, learning_rate=1.0)
    paused = run.pause(wait=LONG)
    assert run.status.state == "paused"
    time.sleep(0.1)
    assert run.lines()[-1]["step"] == paused["step"] == run.status.step
    kept = run.checkpoint(wait=LONG)
    assert (run.directory.checkpoints / kept["text"].removeprefix("kept ")).is_dir()
    run.resume(wait=LONG)
    reached(run, paused["step"] + 1)
    run.stop(wait=LONG)
    assert run.wait(timeout=LONG).state == "stopped"
    event = next(event for event in run.event_lines() if event["kind"] == "set")
    assert (event["old"], event["new"]) == ({"rate": 0.5}, {"rate": 0.75})
    with pytest.raises(ValueError, match="is stopped: no trainer is there to pause; resume it first"):
        run.pause()


def test_sigterm_stops_after_the_step_and_resume_goes_on(background: Callable[..., Run]) -> None:
    run = background(steps=30, seconds=0.02)
    reached(run, 3)
    os.kill(read_json(run.directory.pid)["pid"], signal.SIGTERM)
    assert run.wait(timeout=LONG).state == "stopped"
    last = run.lines()[-1]["step"]
    assert 3 <= last < 30
    with pytest.raises(ValueError, match="no trainer is there to stop"):
        run.stop()
    run.resume()
    assert run.wait(timeout=LONG).state == "finished"
    assert list(run.metrics()["step"]) == list(range(31))
    with pytest.raises(ValueError, match="has finished all its steps"):
        run.resume()


def test_a_second_trainer_is_refused_while_the_first_lives(background: Callable[..., Run]) -> None:
    run = background(steps=1000, seconds=0.01)
    reached(run, 1)
    FAKE.start(run.directory, 7)
    until(lambda: "has a trainer already" in run.directory.log(7).read_text())
    reached(run, run.status.step + 2)
    run.stop(wait=LONG)


@pytest.mark.parametrize("moment", [0.05, 0.11, 0.19])
def test_a_killed_run_goes_on_as_if_nothing_had_happened(
    tmp_path: Path, background: Callable[..., Run], moment: float
) -> None:
    run = background(steps=12, seconds=0.02, big=20_000)
    reached(run, 1)
    time.sleep(moment)
    os.kill(read_json(run.directory.pid)["pid"], signal.SIGKILL)
    until(lambda: run.status.state == "dead")
    before = run.lines()
    run.resume()
    assert run.wait(timeout=LONG).state == "finished"
    assert run.lines()[: len(before)] == before  # nothing that existed was lost or done again
    compare_with_one_never_killed(run, tmp_path)


def compare_with_one_never_killed(run: Run, tmp_path: Path) -> None:
    """The same plan in one go must give the same steps, rollouts and weights, bit for bit."""
    whole = RunDirectory(tmp_path / "whole").create()
    (whole.path / "plan.json").write_text((run.path / "plan.json").read_text())
    FAKE.start(whole, 1)
    other = Run(whole)
    until(lambda: other.status.state == "finished")
    numpy.testing.assert_array_equal(weights(run.directory), weights(whole))
    assert [line["step"] for line in run.lines()] == [line["step"] for line in other.lines()]
    assert [line.get("reward") for line in run.lines()] == [line.get("reward") for line in other.lines()]
    assert run.rollouts()["logprob"].map(list).tolist() == other.rollouts()["logprob"].map(list).tolist()


def test_what_was_set_while_paused_outlives_a_kill(background: Callable[..., Run]) -> None:
    run = background(steps=1000, seconds=0.01)
    reached(run, 1)
    run.pause(wait=LONG)
    run.set(wait=LONG, rate=0.875)
    os.kill(read_json(run.directory.pid)["pid"], signal.SIGKILL)
    until(lambda: run.status.state == "dead")
    newest = newest_checkpoint(run.directory)
    assert newest is not None
    with numpy.load(newest.path / "weights.npz") as found:
        assert float(found["rate"]) == 0.875


def test_a_kill_between_checkpoint_and_line_loses_no_step(directory: RunDirectory, here: Callable[..., int]) -> None:
    assert here(steps=3) == 0
    lines = directory.metrics.read_bytes().splitlines(keepends=True)
    directory.metrics.write_bytes(b"".join(lines[:-1]) + lines[-1][:20])  # killed while it wrote the last line
    assert list(open_run(directory.path).metrics()["step"]) == [0, 1, 2]
    assert here(steps=4) == 0
    run = open_run(directory.path)
    assert list(run.metrics()["step"]) == [0, 1, 2, 3, 4]
    assert list(run.metrics()["attempt"]) == [1, 1, 1, 1, 2]  # step 3 was not done twice
    assert run.lines()[3]["reward"] == pytest.approx(run.rollouts(3)["logprob"][0][0])


@pytest.mark.parametrize("left", ["last.new", "last.old", "both", "torn"])
def test_a_kill_while_checkpoints_are_swapped_leaves_one(
    directory: RunDirectory, here: Callable[..., int], left: str
) -> None:
    assert here(steps=2) == 0
    folder = directory.checkpoints
    last = read_checkpoint(folder / "last")
    assert last is not None
    keep(directory, last).rename(folder / "last.old")
    if left == "torn":  # killed while last.new was written
        (folder / "last.new").mkdir()
        (folder / "last.new" / "weights.npz").write_bytes(b"PK")
    elif left == "last.old":
        (folder / "last").rename(folder / "x")
    else:
        (folder / "last").rename(folder / "last.new")
    before = newest_checkpoint(directory)
    assert before is not None
    assert before.step == 2
    settle_folders(directory)
    after = read_checkpoint(folder / "last")
    assert after is not None
    assert after.step == 2
    assert not [path for path in folder.iterdir() if path.name in ("last.new", "last.old")]


def test_a_checkpoint_with_a_short_file_is_not_taken(directory: RunDirectory, here: Callable[..., int]) -> None:
    assert here(steps=3, every=2) == 0
    target = directory.checkpoints / "last" / "weights.npz"
    content = target.read_bytes()
    target.unlink()  # checkpoints share files: a new one, not the old one changed
    target.write_bytes(content[:-1])
    (directory.checkpoints / "step-000003" / "manifest.json").unlink()
    newest = newest_checkpoint(directory)
    assert newest is not None
    assert newest.step == 2


def test_orders_from_before_a_start_are_refused(directory: RunDirectory, background: Callable[..., Run]) -> None:
    Control(directory).send("stop")
    run = background(steps=3)
    assert run.wait(timeout=LONG).state == "finished"
    answer = run.control.answer(1)
    assert answer is not None
    assert answer["result"] == "refused"


@pytest.fixture
def small_disk(tmp_path: Path) -> Any:
    """A folder on a file system of 1 MB; needs the right to mount."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"a small file system cannot be mounted here: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_stops_the_run_and_harms_nothing(small_disk: Path) -> None:
    directory = RunDirectory(small_disk / "run").create()
    (directory.path / "plan.json").write_text('{"steps": 12, "every": 1, "big": 20000}')  # 160 kB a step
    FAKE.start(directory, 1)
    run = Run(directory, FAKE)
    until(lambda: run.status.state == "failed")
    assert f"no space left on device: {directory.path}" in run.status.text
    assert "the next step needs" in run.status.text
    reached_step = run.lines()[-1]["step"]
    assert 1 <= reached_step < 12
    assert run.steps() == list(range(1, reached_step + 1))
    assert len(run.rollouts()) == 3 * reached_step
    assert run.skipped == []
    assert [event["kind"] for event in run.event_lines()][-1] == "disk full"
    subprocess.run(["mount", "-o", "remount,size=16m", str(small_disk)], check=True)
    run.resume()
    assert run.wait(timeout=LONG).state == "finished"
    assert list(run.metrics()["step"]) == list(range(13))
