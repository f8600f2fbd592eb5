"""Starting a trainer process on a run directory that has none."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import psutil

from workbench.runs.directory.control import Control
from workbench.runs.directory.documents import ENVIRONMENT, STATUS, expect_document, read_document
from workbench.runs.directory.links import refuse_links
from workbench.runs.directory.lock import UNKNOWN, Identity, LockedError, boot, guarded, load, refusal, store
from workbench.runs.directory.paths import RunDirectory, read_json, write_json
from workbench.runs.directory.status import LAST, Heartbeat, holder, read_status

RUNS = Path("runs")  # where runs are made and looked for, unless another folder is given


@runtime_checkable
class Launcher(Protocol):
    """Who starts trainer processes: here, or on another machine that sees the directory."""

    def start(self, directory: RunDirectory, attempt: int) -> Identity | None:
        """Starts a trainer on a directory and returns at once; output goes to the attempt's log.

        Returns the process, whose life is watched until it has the lock; None where it is not known.
        """


@dataclass(frozen=True)
class Local:
    """A process on this machine, in a session of its own: it outlives the notebook, shell or test that started it."""

    program: tuple[str, ...] = ("-P", "-m", "workbench.runs.process.worker")  # -P: files lying about are no modules

    def start(self, directory: RunDirectory, attempt: int) -> Identity | None:
        """Starts the trainer, and returns its process."""
        folder = expect_document(directory.environment, ENVIRONMENT).get("folder")
        command = [sys.executable, *self.program, str(directory.path.resolve()), "--attempt", str(attempt)]
        process = detach(command, directory.log(attempt), folder)
        try:
            return Identity.of(process.pid)
        except psutil.NoSuchProcess:  # it has ended, and cannot be told apart any more: named as one that is gone
            return Identity(process.pid, UNKNOWN, socket.gethostname(), boot())


LOCAL = Local()


#: OpenMP's threads wait asleep: spinning ones stop each other where cores are shared, and a step takes tens of times
#: as long; on a quiet machine sleeping costs about a tenth.
PASSIVE_WAIT = {"OMP_WAIT_POLICY": "PASSIVE"}


def detach(command: Sequence[str], log: Path, folder: str | None = None) -> "subprocess.Popen[bytes]":
    """Starts a process that outlives this one; a thread waits for its end, so it leaves no zombie."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=folder if folder and Path(folder).is_dir() else None,
            env={**PASSIVE_WAIT, **os.environ, "PYTHONUNBUFFERED": "1"},
        )
    threading.Thread(target=process.wait, daemon=True).start()
    return process


def start(directory: RunDirectory, launcher: Launcher = LOCAL, *, take_over: bool = False) -> None:
    """Starts a trainer on a directory that has none; LockedError while one lives, or another process starts one.

    `take_over`: from a trainer that cannot be seen from here and is gone. ValueError where links lead out of the
    directory.
    """
    refuse_links(directory, deep=True)
    wait_for_end(directory)
    with guarded(directory.lock) as file:
        refuse_living(directory, Identity.parse(load(file)), take_over=take_over)
        before = read_document(directory.status, STATUS)[0] or {}
        store(file, None)
        Control(directory).expire()
        attempt = directory.attempts() + 1
        directory.log(attempt).parent.mkdir(exist_ok=True)
        directory.log(attempt).touch()
        write_json(directory.pid, {"attempt": attempt, "starter": asdict(Identity.of(os.getpid()))})
        numbers = [before.get(name, 0) for name in ("total", "step", "tokens")]
        heart = Heartbeat(directory, attempt, numbers[0], "starting", "start", *numbers[1:])
        heart.beat()
    try:
        process = launcher.start(directory, attempt)
    except BaseException as error:
        heart.last_beat(state="failed", text=f"no trainer could be started: {error}")
        write_json(directory.pid, {"attempt": attempt})
        raise
    name_process(directory, attempt, process)


def name_process(directory: RunDirectory, attempt: int, process: Identity | None) -> None:
    """Writes whose start is waited for, unless the trainer has done so itself by now."""
    found = read_json(directory.pid)
    if isinstance(found, dict) and found.get("attempt") == attempt and "starter" in found:
        named = {} if process is None else asdict(process)
        write_json(directory.pid, {**named, "attempt": attempt})


def refuse_living(directory: RunDirectory, named: Identity | None, *, take_over: bool) -> None:
    """LockedError while a trainer lives, is being started, or may live where it cannot be seen.

    For who holds the `flock`: `named` is the process in the lock file. pid.json names one that has no lock yet.
    """
    status, found = read_document(directory.status, STATUS)[0] or {}, read_json(directory.pid)
    me = Identity.of(os.getpid())
    processes = [named] if named != me else []
    if isinstance(found, dict) and status.get("state") not in LAST:
        trainer, launching = Identity.parse(found), Identity.parse(found.get("starter"))
        processes += [launching, *([trainer] if trainer != me else [])]
    for process in processes:
        lives = False if process is None else process.alive()
        if lives or (lives is None and not take_over):
            raise LockedError(refusal(directory.lock, process, held=False))


def wait_for_end(directory: RunDirectory, seconds: float = 10.0) -> None:
    """Gives a trainer that has stopped a moment to leave; LockedError if it stays."""
    identity = holder(directory)
    end = time.monotonic() + seconds
    while identity is not None and identity.pid != os.getpid() and identity.alive():
        ended = read_status(directory).ended
        if not ended or time.monotonic() > end:
            raise LockedError(refusal(directory.lock, identity, held=True))
        time.sleep(0.05)
