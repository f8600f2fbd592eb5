"""How a run is judged by what it wrote."""

import dataclasses
import os
import time
from typing import Any

import pytest

from workbench.runs.directory.lock import Identity
from workbench.runs.directory.paths import RunDirectory, write_json
from workbench.runs.directory.status import Heartbeat, read_status


def beat(directory: RunDirectory, typical: float | None = 1.0, **changes: Any) -> Heartbeat:
    """A trainer (this process) that gave a sign of life now."""
    write_json(directory.lock, dataclasses.asdict(Identity.of(os.getpid())))
    heart = Heartbeat(directory, 1, total=10, state="running", phase="generate", step=4)
    heart.seconds.extend([] if typical is None else [typical])
    heart.beat(**changes)
    return heart


@pytest.mark.parametrize(
    ("typical", "silence", "verdict"),
    [
        (1.0, 4, "running"),  # a short step may be held up: slow from 5 s on
        (1.0, 6, "slow"),
        (1.0, 61, "stalled"),
        (100.0, 250, "running"),
        (100.0, 301, "slow"),  # three typical steps
        (100.0, 1001, "stalled"),  # ten
        (None, 50, "running"),  # no step yet: a large model is loaded
        (None, 100, "slow"),
        (None, 601, "stalled"),
    ],
)
def test_silence_is_judged_against_a_typical_step(
    directory: RunDirectory, typical: float | None, silence: int, verdict: str
) -> None:
    beat(directory, typical)
    status = read_status(directory, now=time.time() + silence)
    assert status.verdict == verdict
    assert not status.ended
    assert (status.step, status.total, status.phase) == (4, 10, "generate")


def test_a_stalled_run_says_where(directory: RunDirectory) -> None:
    beat(directory)
    assert str(read_status(directory, now=time.time() + 100)).startswith("stalled in generate · step 4 of 10")


@pytest.mark.parametrize("state", ["finished", "stopped", "failed", "queued"])
def test_what_the_trainer_said_last_stands(directory: RunDirectory, state: str) -> None:
    beat(directory, state=state, text="why")
    directory.lock.unlink()
    status = read_status(directory)
    assert (status.verdict, status.text) == (state, "why")
    assert status.ended == (state != "queued")


def test_a_paused_run_is_not_slow(directory: RunDirectory) -> None:
    beat(directory, state="paused")
    assert read_status(directory, now=time.time() + 1e6).verdict == "paused"


@pytest.mark.parametrize("state", ["running", "paused"])
def test_a_run_whose_process_is_gone_is_dead(directory: RunDirectory, state: str) -> None:
    beat(directory, state=state)
    gone = dataclasses.replace(Identity.of(os.getpid()), started=1.0)
    write_json(directory.lock, dataclasses.asdict(gone))
    status = read_status(directory)
    assert status.verdict == "dead"
    assert f"process {os.getpid()} is gone; resume it" in status.text


@pytest.mark.parametrize("left", [None, 1.0], ids=["no lock", "the lock of a dead one"])
def test_a_process_has_a_moment_to_make_itself_known(directory: RunDirectory, left: float | None) -> None:
    beat(directory, state="starting")
    directory.lock.unlink()
    if left is not None:
        write_json(directory.lock, dataclasses.asdict(dataclasses.replace(Identity.of(os.getpid()), started=left)))
    assert read_status(directory).verdict == "starting"
    assert read_status(directory, now=time.time() + 20).verdict == "dead"


@pytest.mark.parametrize("content", [None, "", "[]", '{"step": '])
def test_a_missing_or_torn_status_is_dead_and_no_error(directory: RunDirectory, content: str | None) -> None:
    if content is not None:
        directory.status.write_text(content)
    assert read_status(directory).verdict == "dead"


def test_nothing_half_written_is_ever_seen(directory: RunDirectory) -> None:
    beat(directory)
    assert sorted(path.name for path in directory.path.glob("*.json")) == ["format.json", "status.json"]
    assert not list(directory.path.glob(".*"))
