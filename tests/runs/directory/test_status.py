"""The state of a run, from what it wrote and from whether its process lives."""

import dataclasses
import os
import time
from typing import Any

import psutil
import pytest

from workbench.runs.directory.lock import Identity, Lock
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
    status = read_status(directory, later=silence)
    assert status.state == verdict
    assert not status.ended
    assert (status.step, status.total, status.phase) == (4, 10, "generate")


def test_a_stalled_run_says_where(directory: RunDirectory) -> None:
    beat(directory)
    assert str(read_status(directory, later=100)).startswith("stalled in generate · step 4 of 10")


@pytest.mark.parametrize("state", ["finished", "stopped", "failed", "queued"])
def test_what_the_trainer_said_last_stands(directory: RunDirectory, state: str) -> None:
    beat(directory, state=state, text="why")
    directory.lock.unlink()
    status = read_status(directory)
    assert (status.state, status.text) == (state, "why")
    assert status.ended == (state != "queued")


def test_a_paused_run_is_not_slow(directory: RunDirectory) -> None:
    beat(directory, state="paused")
    assert read_status(directory, later=1e6).state == "paused"


@pytest.mark.parametrize("state", ["running", "paused"])
def test_a_run_whose_process_is_gone_is_dead(directory: RunDirectory, state: str) -> None:
    beat(directory, state=state)
    write_json(directory.lock, dataclasses.asdict(gone()))
    status = read_status(directory)
    assert status.state == "dead"
    assert f"process {os.getpid()} is gone; resume it" in status.text


def gone() -> Identity:
    """A process that is none any more: this one's pid, started at another time."""
    return dataclasses.replace(Identity.of(os.getpid()), ticks=1)


def starting(directory: RunDirectory, process: Identity | None) -> None:
    """An attempt was started just now, by a launcher that may have named its process; nobody holds the lock."""
    beat(directory, state="starting")
    write_json(directory.lock, dataclasses.asdict(gone()))  # of the attempt before
    write_json(directory.pid, {**(dataclasses.asdict(process) if process else {}), "attempt": 1})


@pytest.mark.parametrize(("later", "state"), [(1, "starting"), (50, "starting"), (70, "slow"), (7000, "stalled")])
def test_a_process_that_starts_slowly_is_never_dead(directory: RunDirectory, later: float, state: str) -> None:
    starting(directory, Identity.of(os.getpid()))
    assert read_status(directory, later).state == state


def test_a_process_that_ended_before_it_had_the_lock_is_dead_at_once(directory: RunDirectory) -> None:
    starting(directory, gone())
    status = read_status(directory)
    assert (status.state, f"process {os.getpid()} is gone" in status.text) == ("dead", True)


@pytest.mark.parametrize(("later", "state"), [(20, "starting"), (100, "slow"), (601, "dead")])
def test_a_launcher_that_names_no_process_has_ten_minutes(directory: RunDirectory, later: float, state: str) -> None:
    starting(directory, None)
    assert read_status(directory, later).state == state


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_is_set_changes_nothing(
    directory: RunDirectory, hours: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    beat(directory)
    now, booted = time.time, psutil.boot_time
    monkeypatch.setattr("time.time", lambda: now() + 3600 * hours)
    monkeypatch.setattr("psutil.boot_time", lambda: booted() + 3600 * hours)
    assert read_status(directory).state == "running"
    assert read_status(directory, later=61).state == "stalled"


def elsewhere() -> dict[str, Any]:
    """A process on a machine or in a container that is gone."""
    return dataclasses.asdict(dataclasses.replace(Identity.of(os.getpid()), host="gone-container", boot="x"))


@pytest.mark.parametrize("earlier", [True, False], ids=["an earlier version's", "this version's"])
def test_a_silent_trainer_elsewhere_is_told_with_the_remedy(directory: RunDirectory, earlier: bool) -> None:
    heart = beat(directory)
    old = {"pid": 4242, "started": 1.0, "host": "gone-container", "boot": "x"}
    write_json(directory.lock, old if earlier else elsewhere())
    write_json(directory.status, {**heart.content(), "boot": "x", "time": time.time() - 86400})
    for pulse, state in ((0, "stalled"), (1000, "dead")):
        os.utime(directory.lock, (time.time() - pulse,) * 2)
        status = read_status(directory)
        assert status.state == state
        assert "gone-container, which cannot be seen from here" in status.text
        assert "workbench resume RUN --take-over" in status.text


def test_a_trainer_elsewhere_that_holds_the_lock_lives(directory: RunDirectory) -> None:
    heart = beat(directory)
    with Lock(directory.lock):
        write_json(directory.path / "x", elsewhere())
        directory.lock.write_bytes((directory.path / "x").read_bytes())  # in place: the flock is on the file
        write_json(directory.status, {**heart.content(), "boot": "x"})
        assert read_status(directory).state == "running"
    with Lock(directory.lock, take_over=True):
        assert read_status(directory).state == "running"


@pytest.mark.parametrize("content", [None, "", "[]", '{"step": '])
def test_a_missing_or_torn_status_is_dead_and_no_error(directory: RunDirectory, content: str | None) -> None:
    if content is not None:
        directory.status.write_text(content)
    assert read_status(directory).state == "dead"


def test_nothing_half_written_is_ever_seen(directory: RunDirectory) -> None:
    beat(directory)
    assert sorted(path.name for path in directory.path.glob("*.json")) == ["format.json", "status.json"]
    assert not list(directory.path.glob(".*"))
