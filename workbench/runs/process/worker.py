"""The trainer process, `python -m workbench.runs.process.worker DIRECTORY`: one attempt, alone in its directory.

SIGTERM means: stop after the current step.
"""

import argparse
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.runs.directory.documents import STATUS, read_document
from workbench.runs.directory.links import refuse_links
from workbench.runs.directory.lock import Identity, Lock, LockedError, refusal
from workbench.runs.directory.paths import DiskFullError, RunDirectory, read_json, room
from workbench.runs.directory.status import LAST, PULSE, Heartbeat
from workbench.runs.process.attempt import Worker, reserve
from workbench.runs.process.job import Source, from_config


@contextmanager
def stopped_by_signals(worker: Worker) -> Iterator[None]:
    """While it lasts, SIGTERM and SIGINT stop the worker after its step."""
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, lambda *_: worker.order_stop()) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def work(directory: RunDirectory, attempt: int, source: Source = from_config) -> int:
    """Takes the directory's lock and runs one attempt in this process; returns the exit code."""
    try:
        refuse_links(directory, deep=True)
        with room(directory.path, 0), Lock(directory.lock) as lock, pulse(lock):
            refuse_other(directory, attempt)
            worker = Worker(directory, attempt)
            with stopped_by_signals(worker):
                code = worker.run(source)
            reserve(directory).unlink(missing_ok=True)
            return code
    except DiskFullError as error:
        Heartbeat(directory, attempt).last_beat(state="failed", text=str(error.strerror))
        print(error, file=sys.stderr)
    except ValueError as error:  # a lock that is not given, or a link; anything later is told in the run
        print(error, file=sys.stderr)
    return 3


def refuse_other(directory: RunDirectory, attempt: int) -> None:
    """LockedError while the process of another attempt lives that has no lock yet, or whose lock file was removed."""
    found, status = read_json(directory.pid), read_document(directory.status, STATUS)[0] or {}
    other = Identity.parse(found)
    if other is None or found.get("attempt") == attempt or status.get("state") in LAST:
        return
    if other != Identity.of(os.getpid()) and other.alive():
        raise LockedError(refusal(directory.lock, other, held=True))


@contextmanager
def pulse(lock: Lock) -> Iterator[None]:
    """While it lasts, the lock file is touched every few seconds, by which a machine elsewhere sees that it is held."""
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(PULSE):
            os.utime(lock.number)

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def main() -> int:
    """The command line of the process."""
    parser = argparse.ArgumentParser(description="train the run in a directory")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--attempt", type=int, default=None)
    given = parser.parse_args()
    directory = RunDirectory(given.directory).check()
    return work(directory, directory.attempts() + 1 if given.attempt is None else given.attempt)


if __name__ == "__main__":
    sys.exit(main())
