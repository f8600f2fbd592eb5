"""One trainer per run directory. The lock names a process by pid, start time, host and boot; a reused pid fools no one.

The file is guarded by `flock` for the moment in which it is read and written; what holds it afterwards is the
process named in it. A process that is gone, or a machine that was restarted, holds nothing.
"""

import fcntl
import json
import os
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

BOOT = Path("/proc/sys/kernel/random/boot_id")


class LockedError(ValueError):
    """Another trainer works in the directory."""


@dataclass(frozen=True)
class Identity:
    """A process, told apart from every other that ever ran."""

    pid: int
    started: float  # unix seconds
    host: str
    boot: str

    @classmethod
    def of(cls, pid: int) -> "Identity":
        """The process that has this pid now."""
        return cls(pid, psutil.Process(pid).create_time(), socket.gethostname(), boot())

    @classmethod
    def parse(cls, value: Any) -> "Identity | None":
        """From what a JSON file held; None if that names no process."""
        if not isinstance(value, Mapping):
            return None
        try:
            return cls(int(value["pid"]), float(value["started"]), str(value["host"]), str(value["boot"]))
        except (KeyError, TypeError, ValueError):
            return None

    def alive(self) -> bool | None:
        """Whether it still runs; None on another host, where that cannot be seen from here."""
        if self.host != socket.gethostname():
            return None
        if self.boot != boot():
            return False
        try:
            process = psutil.Process(self.pid)
            # a zombie has ended and only waits for its parent to notice
            return process.status() != psutil.STATUS_ZOMBIE and abs(process.create_time() - self.started) < 2
        except psutil.NoSuchProcess:
            return False


def boot() -> str:
    """A name for the time since the machine was started."""
    return BOOT.read_text().strip() if BOOT.exists() else str(round(psutil.boot_time()))


class Lock:
    """The right to write a run; `with Lock(path):` takes and gives it back.

    Raises LockedError, which names the holder, while another process has it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.stale: Identity | None = None  # whose lock was taken over

    def __enter__(self) -> "Lock":
        with Guarded(self.path) as file:
            holder = Identity.parse(load(file))
            if holder is not None and holder.alive() is not False and holder != Identity.of(os.getpid()):
                raise LockedError(refusal(self.path, holder))
            self.stale = holder
            store(file, asdict(Identity.of(os.getpid())))
        return self

    def __exit__(self, *_: object) -> None:
        with Guarded(self.path) as file:
            if Identity.parse(load(file)) == Identity.of(os.getpid()):
                store(file, None)


def refusal(path: Path, holder: Identity) -> str:
    """Why the lock is not given."""
    where = f"{path.parent} has a trainer already: process {holder.pid} on {holder.host}"
    if holder.alive() is None:
        return f"{where}, which cannot be seen from this machine; if it is gone, remove {path}"
    return f"{where}; stop that one first"


class Guarded:
    """The lock file, open, while nobody else reads or writes it."""

    def __init__(self, path: Path) -> None:
        self.number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)

    def __enter__(self) -> int:
        fcntl.flock(self.number, fcntl.LOCK_EX)
        return self.number

    def __exit__(self, *_: object) -> None:
        os.close(self.number)


def load(file: int) -> Any:
    """The JSON in an open file; None if there is none (nobody, or a writer killed half-way, which is gone)."""
    try:
        return json.loads(os.pread(file, 10_000, 0))
    except ValueError:
        return None


def store(file: int, value: Any) -> None:
    """Puts JSON, or nothing, in an open file; in place, as the guard is on the file itself."""
    os.ftruncate(file, 0)
    if value is not None:
        os.pwrite(file, (json.dumps(value) + "\n").encode(), 0)
