"""How a run is doing: the trainer writes `status.json`, readers look whether the trainer's process lives as well."""

import statistics
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import psutil

from workbench.runs.directory.documents import STATUS, read_document
from workbench.runs.directory.lock import Identity, alive, boot, unseen
from workbench.runs.directory.paths import (
    DiskFullError,
    RunDirectory,
    encode_json,
    free_bytes,
    full_words,
    overwrite,
    read_json,
    write_json,
)

State = Literal["queued", "starting", "running", "paused", "finished", "stopped", "failed"]
LAST = ("finished", "stopped", "failed", "queued")  # states in which no trainer works, by its own word
ENDED = ("finished", "stopped", "failed", "dead")  # states after which nothing more comes
SLOW, STALLED = 3.0, 10.0  # times a typical step without a sign of life
SLOW_AT_LEAST, STALLED_AT_LEAST = 5.0, 60.0  # seconds; a short step may well be held up by the machine
SLOW_START, STALLED_START = 60.0, 600.0  # seconds, while no step is finished: a large model takes its time
PULSE = 20.0  # seconds between two touches of the lock file, by which a trainer elsewhere is seen to live
NO_ROOM = 65536  # free bytes below which a trainer that is gone is taken to have had no room


def uptime() -> float:
    """Seconds since the machine was started, sleep included; no setting of the clock changes them."""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime(clock)


@dataclass
class Heartbeat:
    """The trainer's end: writes status.json whenever something changes."""

    directory: RunDirectory
    attempt: int
    total: int = 0
    state: State = "starting"
    phase: str = "start"
    step: int = 0
    tokens: int = 0
    text: str = ""
    seconds: deque[float] = field(default_factory=lambda: deque(maxlen=20))
    process: psutil.Process = field(default_factory=psutil.Process)

    def beat(self, **changes: Any) -> None:
        """Takes over the changed fields and writes them; DiskFullError where there is no room."""
        write_json(self.directory.status, self.content(**changes))

    def last_beat(self, **changes: Any) -> None:
        """The same on a full disk, in the space that status.json has already."""
        content = self.content(**changes)
        try:
            write_json(self.directory.status, content)
        except DiskFullError:
            overwrite(self.directory.status, encode_json(content))

    def content(self, **changes: Any) -> dict[str, Any]:
        """What status.json holds, with the changed fields."""
        for name, value in changes.items():
            setattr(self, name, value)
        names = ("attempt", "state", "phase", "step", "total", "tokens", "text")
        content: dict[str, Any] = {name: getattr(self, name) for name in names}
        content["typical"] = statistics.median(self.seconds) if self.seconds else None
        content["memory"] = self.process.memory_info().rss
        return {**content, "time": time.time(), "boot": boot(), "uptime": uptime()}


@dataclass(frozen=True)
class Status:
    """A run as it stands. `state` is the word, `text` says more."""

    state: str  # queued starting running slow stalled paused dead finished stopped failed
    text: str = ""
    phase: str = ""
    step: int = 0
    total: int = 0
    attempt: int = 0
    tokens: int = 0
    memory: int = 0  # bytes
    typical: float | None = None  # seconds a step
    time: float = 0.0  # unix seconds of the last sign of life

    @property
    def ended(self) -> bool:
        """Whether nothing more comes of it, unless it is resumed."""
        return self.state in ENDED

    @property
    def verdict(self) -> str:
        """`state` under its earlier name, for one version."""
        return self.state

    def __str__(self) -> str:
        word = f"stalled in {self.phase}" if self.state == "stalled" else self.state
        parts = [word, f"step {self.step} of {self.total}"]
        if self.typical is not None:
            parts.append(f"{self.typical:.0f} s a step" if self.typical >= 10 else f"{self.typical:.2g} s a step")
        return " · ".join([*parts, self.text] if self.text else parts)


def read_status(directory: RunDirectory, later: float = 0.0) -> Status:
    """What the files of a run say about it, `later` seconds from now."""
    written, error = read_document(directory.status, STATUS)
    if written is None:
        process = holder(directory)
        if alive(directory.lock, process):
            return Status("running", f"{error}; its trainer writes it again with its next phase")
        return Status("dead", f"{error or 'status.json is missing: the trainer never started'}; resume the run")
    known = {name: written[name] for name in Status.__dataclass_fields__ if name not in ("state", "text")
             if written.get(name) is not None}  # fmt: skip
    state, text = state_of(directory, written, silence(written) + later)
    return Status(state, text, **known)


def silence(written: Mapping[str, Any]) -> float:
    """Seconds since the trainer's last sign of life, by the clock that nobody sets where it is the same machine's."""
    if written.get("boot") == boot() and isinstance(written.get("uptime"), int | float):
        return max(0.0, uptime() - float(written["uptime"]))
    return max(0.0, time.time() - float(written.get("time") or 0))


def state_of(directory: RunDirectory, written: Mapping[str, Any], quiet: float) -> tuple[str, str]:
    """The word for a run, and why."""
    state = written["state"]
    if state in LAST:
        return state, str(written.get("text") or "")
    process = holder(directory)
    works = alive(directory.lock, process)
    if state == "starting" and not works:
        return starting(directory, written, quiet)
    typical = written.get("typical")
    stalled = STALLED_START if typical is None else max(STALLED * typical, STALLED_AT_LEAST)
    if works is None and process is not None and quiet > stalled:
        where = f"process {process.pid} on {process.host}"
        word = "dead" if last_pulse(directory) > 3 * PULSE else "stalled"
        return word, f"{quiet:.0f} s without a sign of life from {where}{unseen(process)}"
    if works is False:
        return "dead", gone(directory, process)
    if state == "paused":
        return state, ""
    slow = SLOW_START if typical is None else max(SLOW * typical, SLOW_AT_LEAST)
    if quiet <= slow:
        return state, ""
    return "stalled" if quiet > stalled else "slow", f"{quiet:.0f} s in {written.get('phase')}"


def starting(directory: RunDirectory, written: Mapping[str, Any], quiet: float) -> tuple[str, str]:
    """The word for a run whose trainer does not hold the lock yet: it starts as long as its process lives."""
    process = starter(directory, written.get("attempt"))
    if process is None:  # a launcher that names no process, as one that waits for a machine
        if quiet <= STALLED_START:
            return ("starting", "") if quiet <= SLOW_START else ("slow", f"{quiet:.0f} s without a trainer")
        return "dead", f"no trainer took the lock within {quiet:.0f} s; resume it, or read {last_log(directory)}"
    if process.alive() is False:
        return "dead", gone(directory, process)
    if quiet <= SLOW_START:
        return "starting", ""
    return "stalled" if quiet > STALLED_START else "slow", f"{quiet:.0f} s in start, process {process.pid}"


def gone(directory: RunDirectory, process: Identity | None) -> str:
    """What is known of a trainer that is gone, and what to do."""
    pid = "" if process is None else f" {process.pid}"
    free = free_bytes(directory.path)
    full = "" if free >= NO_ROOM else f"{full_words(directory.path, free)}; make room; "
    return f"{full}the trainer process{pid} is gone; resume it, or read {last_log(directory)}"


def last_pulse(directory: RunDirectory) -> float:
    """Seconds since a trainer touched its lock file, by the clock of the file system."""
    try:
        return time.time() - directory.lock.stat().st_mtime
    except OSError:
        return float("inf")


def holder(directory: RunDirectory) -> Identity | None:
    """The process that holds the run's lock, alive or not; None if it was given back or never taken.

    Where somebody removed the lock file, the process that took it last.
    """
    found = Identity.parse(read_json(directory.lock))
    return Identity.parse(read_json(directory.pid)) if found is None and not directory.lock.exists() else found


def starter(directory: RunDirectory, attempt: Any) -> Identity | None:
    """The process of an attempt that has no lock yet, or who is starting it; None where nobody was named."""
    found = read_json(directory.pid)
    if not isinstance(found, Mapping) or found.get("attempt") != attempt:
        return None
    return Identity.parse(found) or Identity.parse(found.get("starter"))


def last_log(directory: RunDirectory) -> str:
    """Where the last trainer process printed to."""
    return str(directory.log(directory.attempts()))
