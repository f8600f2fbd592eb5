"""One trainer per run directory, by two guards: an `flock` held for the trainer's life, and its process by name.

A process is named by its pid, the host, the boot and its start in clock ticks since that boot, so neither a reused pid
nor a clock that is set can be mistaken for it. The `flock` ends with the process, and is seen from every process that
shares the file: another container, or another machine on NFS. Where the file system knows none, the name alone guards.
"""

import errno
import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import psutil

BOOT = Path("/proc/sys/kernel/random/boot_id")
WITHOUT_FLOCK = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)  # answers of a file system that has no such locks
WAIT = 5.0  # seconds for which a trainer asks for the lock: who only looks at it, or starts it, holds it for less
UNKNOWN = 0  # ticks in a lock of an earlier version, which named a process by wall-clock time


class LockedError(ValueError):
    """Another trainer works in the directory."""


@dataclass(frozen=True)
class Identity:
    """A process, told apart from every other that ever ran."""

    pid: int
    ticks: (
        int  # clock ticks from the boot to its start; elsewhere than on Linux 1/100 s of unix time, which stays as is
    )
    host: str
    boot: str

    @classmethod
    def of(cls, pid: int) -> "Identity":
        """The process that has this pid now; psutil.NoSuchProcess where there is none."""
        found = started(pid)
        if found is None:
            raise psutil.NoSuchProcess(pid)
        return cls(pid, found, socket.gethostname(), boot())

    @classmethod
    def parse(cls, value: Any) -> "Identity | None":
        """From what a JSON file held; None if that names no process."""
        if not isinstance(value, Mapping):
            return None
        pid, ticks = value.get("pid"), value.get("ticks", UNKNOWN)
        names = value.get("host"), value.get("boot")
        if not all(isinstance(number, int) and number >= 0 for number in (pid, ticks)):
            return None
        return cls(int(value["pid"]), int(ticks), *map(str, names)) if all(names) else None

    def alive(self) -> bool | None:
        """Whether it still runs; None where that cannot be seen: on another host, or named by an earlier version."""
        if self.host != socket.gethostname():
            return None
        if self.boot != boot():
            return False
        now = started(self.pid)
        return None if self.ticks == UNKNOWN and now is not None else now == self.ticks


@cache
def boot() -> str:
    """A name for the time since the machine was started, and for the container in which pids mean something.

    `-` elsewhere than on Linux: start times are absolute there.
    """
    return f"{BOOT.read_text().strip()} {os.readlink('/proc/self/ns/pid')}" if BOOT.exists() else "-"


def started(pid: int) -> int | None:
    """When a process was started, as in `Identity.ticks`; None where none runs. A zombie has ended."""
    if not BOOT.exists():
        try:
            process = psutil.Process(pid)
            return None if process.status() == psutil.STATUS_ZOMBIE else round(process.create_time() * 100)
        except psutil.NoSuchProcess:
            return None
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else int(fields[19])  # state and starttime, proc(5)'s fields 3 and 22


class Lock:
    """The right to write a run; `with Lock(path):` takes it, and gives it back at the end.

    Raises LockedError, which names the holder, while another process has it. `take_over` holds nothing against a holder
    that cannot be seen from here, as long as nobody holds the `flock`.
    """

    def __init__(self, path: Path, *, take_over: bool = False) -> None:
        self.path, self.take_over = path, take_over
        self.stale: Identity | None = None  # whose lock was taken over
        self.number = -1

    def __enter__(self) -> "Lock":
        self.number = open_lock(self.path)
        try:
            free = exclusive(self.number, WAIT)
            holder = Identity.parse(load(self.number))
            if not free or self.belongs_to_other(holder):
                raise LockedError(refusal(self.path, holder, held=not free))
            self.stale = holder
            store(self.number, asdict(Identity.of(os.getpid())))
        except BaseException:
            release(self.number)
            raise
        return self

    def belongs_to_other(self, holder: Identity | None) -> bool:
        """Whether a process that is named in the file keeps this one out."""
        if holder is None or holder == Identity.of(os.getpid()):
            return False
        alive = holder.alive()
        return bool(alive) or (alive is None and not self.take_over)

    def __exit__(self, *_: object) -> None:
        try:
            store(self.number, None)
        finally:
            release(self.number)


HELD: set[int] = set()  # open lock files; a forked child must not keep them


def forget_locks() -> None:
    """In a forked child: its copies of the open lock files would hold the lock beyond the trainer's end."""
    while HELD:
        os.close(HELD.pop())


os.register_at_fork(after_in_child=forget_locks)


def open_lock(path: Path) -> int:
    """The lock file, made where it is missing, open for this process alone; a link is not followed."""
    number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    HELD.add(number)
    return number


def release(number: int) -> None:
    """Closes the lock file, which gives the `flock` back."""
    HELD.discard(number)
    os.close(number)


def exclusive(number: int, wait: float) -> bool:
    """Takes the `flock` within so many seconds; False where another process keeps it. True where there are none."""
    end = time.monotonic() + wait
    while True:
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in WITHOUT_FLOCK:
                return True
            if time.monotonic() >= end:
                return False
            time.sleep(0.02)
        else:
            return True


def held(path: Path) -> bool:
    """Whether a process, wherever it runs, holds the `flock` of a lock file."""
    try:
        number = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:  # no such file, or not ours to read: nothing is known of a holder
        return False
    try:
        fcntl.flock(number, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in WITHOUT_FLOCK
    finally:
        os.close(number)
    return False


def alive(path: Path, holder: Identity | None) -> bool | None:
    """Whether the process that a lock file names works on; None where nobody can say: neither seen nor holding it."""
    if holder is None:
        return held(path)
    known = holder.alive()
    seen = (holder.host, holder.boot) == (socket.gethostname(), boot())
    return known if seen and known is not None else (True if held(path) else known)


@contextmanager
def guarded(path: Path) -> Iterator[int]:
    """The open lock file while nobody else starts a trainer; LockedError where another process keeps it."""
    number = open_lock(path)
    try:
        if not exclusive(number, WAIT):
            raise LockedError(refusal(path, Identity.parse(load(number)), held=True))
        yield number
    finally:
        release(number)


def refusal(path: Path, holder: Identity | None, *, held: bool) -> str:
    """Why the lock is not given, and what to do; `held`: a process keeps the `flock`, and so lives, wherever it is."""
    if holder is None:
        return f"{path.parent} has a trainer already, or is being given one; look at its status, or stop that one first"
    where = f"{path.parent} has a trainer already: process {holder.pid} on {holder.host}"
    return f"{where}{unseen(holder)}" if holder.alive() is None and not held else f"{where}; stop that one first"


def unseen(holder: Identity) -> str:
    """What to do about a process that cannot be seen from here."""
    why = "started by an earlier version" if holder.host == socket.gethostname() else "which cannot be seen from here"
    return f", {why}; if it is gone, take over with `workbench resume RUN --take-over`"


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
