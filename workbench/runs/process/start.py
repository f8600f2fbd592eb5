"""Starting a trainer process on a run directory that has none."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from workbench.runs.directory.control import Control
from workbench.runs.directory.paths import RunDirectory, read_json
from workbench.runs.directory.status import Heartbeat, holder, read_status

RUNS = Path("runs")  # where runs are made and looked for, unless another folder is given


@runtime_checkable
class Launcher(Protocol):
    """Who starts trainer processes: here, or on another machine that sees the directory."""

    def start(self, directory: RunDirectory, attempt: int) -> None:
        """Starts a trainer on a directory and returns at once; output goes to the attempt's log."""


@dataclass(frozen=True)
class Local:
    """A process on this machine, in a session of its own: it outlives the notebook, shell or test that started it."""

    program: tuple[str, ...] = ("-P", "-m", "workbench.runs.process.worker")  # -P: files lying about are no modules

    def start(self, directory: RunDirectory, attempt: int) -> None:
        """Starts the trainer; it makes itself known when it has the lock."""
        folder = (read_json(directory.environment) or {}).get("folder")
        command = [sys.executable, *self.program, str(directory.path.resolve()), "--attempt", str(attempt)]
        detach(command, directory.log(attempt), folder)


LOCAL = Local()


#: OpenMP's threads wait asleep: spinning ones stop each other where cores are shared, and a step takes tens of times
#: as long; on a quiet machine sleeping costs about a tenth.
PASSIVE_WAIT = {"OMP_WAIT_POLICY": "PASSIVE"}


def detach(command: Sequence[str], log: Path, folder: str | None = None) -> "subprocess.Popen[bytes]":
    """Starts a process that nothing of ours takes down with it; a thread notices its end, so it leaves no zombie."""
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


def start(directory: RunDirectory, launcher: Launcher = LOCAL) -> None:
    """Starts a trainer on a directory that has none; ValueError while one lives."""
    before = read_status(directory)
    wait_for_end(directory)
    Control(directory).expire()
    attempt = directory.attempts() + 1
    directory.log(attempt).touch()
    Heartbeat(directory, attempt, before.total, "starting", "start", before.step, before.tokens).beat()
    launcher.start(directory, attempt)


def wait_for_end(directory: RunDirectory, seconds: float = 10.0) -> None:
    """Gives a trainer that has stopped a moment to leave; ValueError if it stays."""
    identity = holder(directory)
    end = time.monotonic() + seconds
    while identity is not None and identity.alive():
        ended = read_status(directory).ended
        if not ended or time.monotonic() > end:
            raise ValueError(f"{directory.path} has a trainer already: process {identity.pid}; stop that one first")
        time.sleep(0.05)
