"""How a run is doing, judged by what it wrote: the trainer writes `status.json`, anyone reads it and judges."""

import statistics
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Literal

import psutil

from workbench.runs.directory.lock import Identity
from workbench.runs.directory.paths import RunDirectory, read_json, write_json

State = Literal["queued", "starting", "running", "paused", "finished", "stopped", "failed"]
ENDED = ("finished", "stopped", "failed", "dead")  # verdicts after which nothing more comes
SLOW, STALLED = 3.0, 10.0  # times a typical step without a sign of life
SLOW_AT_LEAST, STALLED_AT_LEAST = 5.0, 60.0  # seconds; a short step may well be held up by the machine
HANDOVER = 15.0  # seconds in which the process of a new attempt takes the lock
SLOW_START, STALLED_START = 60.0, 600.0  # seconds, while no step is finished: a large model takes its time


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
        """Takes over the changed fields and writes them."""
        for name, value in changes.items():
            setattr(self, name, value)
        names = ("attempt", "state", "phase", "step", "total", "tokens", "text")
        content: dict[str, Any] = {name: getattr(self, name) for name in names}
        content["typical"] = statistics.median(self.seconds) if self.seconds else None
        content["memory"] = self.process.memory_info().rss
        write_json(self.directory.status, {**content, "time": time.time()})


@dataclass(frozen=True)
class Status:
    """A run as it stands. `verdict` is the word, `text` says more."""

    verdict: str  # queued starting running slow stalled paused dead finished stopped failed
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
        return self.verdict in ENDED

    def __str__(self) -> str:
        word = f"stalled in {self.phase}" if self.verdict == "stalled" else self.verdict
        parts = [word, f"step {self.step} of {self.total}"]
        if self.typical is not None:
            parts.append(f"{self.typical:.2g} s a step")
        return " · ".join([*parts, self.text] if self.text else parts)


def read_status(directory: RunDirectory, now: float | None = None) -> Status:
    """What the files of a run say about it at `now` (unix seconds; by default this moment)."""
    written = read_json(directory.status)
    if not isinstance(written, dict):
        return Status("dead", "status.json is missing or no JSON: the trainer never started; resume it")
    known = {name: written[name] for name in Status.__dataclass_fields__ if name not in ("verdict", "text")
             if written.get(name) is not None}  # fmt: skip
    verdict, text = judge(directory, written, time.time() if now is None else now)
    return Status(verdict, text, **known)


def judge(directory: RunDirectory, written: dict[str, Any], now: float) -> tuple[str, str]:
    """The word for a run, and why."""
    state = str(written.get("state"))
    if state in ("finished", "stopped", "failed", "queued"):
        return state, str(written.get("text") or "")
    identity = holder(directory)
    silence = now - float(written.get("time") or 0)
    if identity is None or identity.alive() is False:
        if state == "starting" and silence < HANDOVER:
            return state, ""
        pid = "" if identity is None else f" {identity.pid}"
        return "dead", f"the trainer process{pid} is gone; resume it, or read {last_log(directory)}"
    if state == "paused":
        return state, ""
    typical = written.get("typical")
    slow = SLOW_START if typical is None else max(SLOW * typical, SLOW_AT_LEAST)
    stalled = STALLED_START if typical is None else max(STALLED * typical, STALLED_AT_LEAST)
    if silence <= slow:
        return state, ""
    return "stalled" if silence > stalled else "slow", f"{silence:.0f} s in {written.get('phase')}"


def holder(directory: RunDirectory) -> Identity | None:
    """The process that holds the run's lock, alive or not; None if it was given back or never taken."""
    return Identity.parse(read_json(directory.lock))


def last_log(directory: RunDirectory) -> str:
    """Where the last trainer process printed to."""
    return str(directory.log(directory.attempts()))
