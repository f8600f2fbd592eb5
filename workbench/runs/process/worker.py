"""The trainer process, `python -m workbench.runs.process.worker DIRECTORY`: takes steps, records them, obeys commands.

Everything that is seen from outside happens at a step boundary: commands are applied, the step is recorded, the
checkpoint swapped in. SIGTERM means: stop after the step under way.
"""

import argparse
import os
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from workbench.runs.directory.checkpoint import (
    EVERY_STEP,
    Checkpoint,
    keep,
    newest_checkpoint,
    settle_folders,
    write_last,
)
from workbench.runs.directory.control import Command, Control
from workbench.runs.directory.lines import read_lines
from workbench.runs.directory.lock import Identity, Lock, LockedError
from workbench.runs.directory.paths import DiskFullError, RunDirectory, replacing, room, write_atomic, write_json
from workbench.runs.directory.status import Heartbeat
from workbench.runs.process.job import Inspectable, Job, Source, Step, from_config
from workbench.runs.process.recorder import Recorder

PAUSE = 0.1  # seconds between two looks at the orders while paused


class Worker:
    """One attempt: from taking over the directory to the last step."""

    def __init__(self, directory: RunDirectory, attempt: int) -> None:
        self.directory, self.attempt = directory, attempt
        settle_folders(directory)
        self.start = newest_checkpoint(directory)
        self.line: Mapping[str, Any] = self.start.line if self.start else {}
        self.recorder = Recorder(directory, attempt)
        self.control = Control(directory)
        self.heart = Heartbeat(directory, attempt, step=self.start.step if self.start else 0)
        self.stopping = self.paused = False
        self.ends = ""  # why the last step taken ends the run
        self.size = self.start.size if self.start else 0
        self.job: Job

    # ------------------------------------------------------------------ the run

    def run(self, source: Source) -> int:
        """Goes through the whole attempt; answers the exit code of the process."""
        self.heart.beat(phase="load")
        try:
            self.load(source)
            self.steps()
        except Exception as error:
            traceback.print_exc()
            self.fail(error)
            return 1
        finally:
            self.recorder.close()
        return 0

    def load(self, source: Source) -> None:
        """Brings record and trainer to the same step: that of the newest checkpoint."""
        if self.start is not None:
            self.recorder.catch_up(self.start.line)
            self.recorder.event("resumed", f"goes on after step {self.start.step}", self.start.step)
        else:
            self.recorder.event("started" if self.attempt == 1 else "resumed", "from the beginning", -1)
        lines, _ = read_lines(self.directory.metrics)
        self.job = source(self.directory)
        if self.start is not None and self.job.trainer.step != self.start.step:
            raise ValueError(
                f"the trainer stands at step {self.job.trainer.step}, its checkpoint {self.start.path} at "
                f"{self.start.step}: the checkpoint was not loaded; remove it to begin anew"
            )
        self.job.trainer.on_phase = lambda phase: self.heart.beat(phase=phase)
        tokens = sum(int(line.get("tokens") or 0) for line in lines)
        self.heart.beat(state="running", total=self.job.total, tokens=tokens)

    def steps(self) -> None:
        """Takes and records steps until the last one, or until it is told to stop."""
        self.border()
        began = time.perf_counter()
        steps = iter(self.job.trainer)
        while not self.stopping and (step := next(steps, None)) is not None:
            self.record(step)
            if step.number > 0:
                self.heart.seconds.append(time.perf_counter() - began)
            self.border()
            began = time.perf_counter()
        state, text = ("stopped", f"after step {self.heart.step}") if self.stopping else ("finished", self.ends)
        self.recorder.event(state, text or f"all {self.job.total} steps", self.heart.step)
        self.heart.beat(state=state, phase="end", text="" if self.heart.step == self.job.total else text)

    def record(self, step: Step) -> None:
        """Writes a step, its checkpoint where one is due, and its line."""
        self.heart.beat(phase="record")
        due = self.job.every > 0 and step.number > 0 and step.number % self.job.every == 0
        self.ends = step.ends
        kept = due or bool(step.ends)
        last = kept or self.stopping or self.size <= EVERY_STEP

        def save(line: Callable[[], dict[str, Any]]) -> None:
            self.save(step.number, line, kept)

        if step.again is not None:
            self.recorder.again(step.number, step.again)
        tables = (step.columns, step.evaluation, step.probes)
        self.line = self.recorder.step(step.number, step.metrics, *tables, save if last else None)
        for text in step.events:
            self.recorder.event("note", text, step.number)
        tokens = self.heart.tokens + int(step.metrics.get("tokens") or 0)
        self.heart.beat(phase="border", step=step.number, tokens=tokens)

    def save(self, number: int, line: Callable[[], Mapping[str, Any]], kept: bool) -> Checkpoint:
        """Writes `checkpoints/last`, and keeps it under its number as well if asked."""

        def content() -> dict[str, Any]:
            return {"step": number, "attempt": self.attempt, "line": line()}

        checkpoint = write_last(self.directory, self.job.trainer.save, content, self.size)
        self.size = checkpoint.size
        if kept:
            keep(self.directory, checkpoint)
        return checkpoint

    # ------------------------------------------------------------------ orders

    def order_stop(self) -> None:
        """What a signal asks for."""
        self.stopping = True

    def border(self) -> None:
        """Between two steps: follows orders, and stays here while paused."""
        self.obey()
        while self.paused and not self.stopping:
            self.heart.beat(state="paused", phase="pause")
            time.sleep(PAUSE)
            self.obey()
        if self.heart.state == "paused":
            self.heart.beat(state="running", phase="border")

    def obey(self) -> None:
        """Follows every order that is waiting, and answers it."""
        for command in self.control.pending():
            try:
                text, more = self.follow(command)
            except ValueError as error:
                self.control.acknowledge(command, "refused", str(error), step=self.heart.step)
                self.recorder.event("refused", f"{command.command or 'order'}: {error}", self.heart.step)
            else:
                self.recorder.event(command.command, text, self.heart.step, **more)
                self.heart.beat(state="paused" if self.paused else "running")
                self.control.acknowledge(command, "done", text, step=self.heart.step)

    def follow(self, command: Command) -> tuple[str, dict[str, Any]]:
        """Does what an order says; answers what to write about it. ValueError if it cannot be done."""
        if command.fault:
            raise ValueError(command.fault)
        if command.command == "set":
            return self.change(dict(command.values))
        if command.command == "checkpoint":
            return self.checkpoint_now()
        if command.command == "stop":
            self.stopping = True
        else:
            self.paused = command.command == "pause"
        words = {"stop": "stops after", "pause": "pauses after", "resume": "goes on after"}
        return f"{words[command.command]} step {self.heart.step}", {}

    def change(self, values: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Sets live fields; `last` is written again, so that a kill does not undo what was answered."""
        old = self.job.trainer.set(**values)
        if self.line:
            self.save(self.heart.step, lambda: self.line, False)
        text = ", ".join(f"{name}: {old[name]} -> {value}" for name, value in values.items())
        return text, {"old": old, "new": values}

    def checkpoint_now(self) -> tuple[str, dict[str, Any]]:
        """Keeps the present state under its step's number; where `last` is that state, nothing is written."""
        newest = newest_checkpoint(self.directory)
        if newest is not None and newest.step == self.heart.step:
            return f"kept {keep(self.directory, newest).name}", {}
        if not self.line:
            raise ValueError("there is no step to keep yet; order it again after the first one")
        return f"kept {self.save(self.heart.step, lambda: self.line, True).path.name}", {}

    # ------------------------------------------------------------------ bad luck

    def fail(self, error: Exception) -> None:
        """Says what went wrong, in the events and the status; a full disk may leave room for neither."""
        full = isinstance(error, DiskFullError)
        text = str(error.strerror) if isinstance(error, DiskFullError) else f"{type(error).__name__}: {error}"
        shutil.rmtree(self.directory.checkpoints / "last.new", ignore_errors=True)
        reserve(self.directory).unlink(missing_ok=True)
        try:
            if isinstance(error, Inspectable):
                text = f"{text}; {self.keep_batch(error)}"
            self.recorder.event("disk full" if full else "failed", text, self.heart.step)
            self.heart.beat(state="failed", text=text)
        except DiskFullError as again:
            print(f"could not be written to the run either: {again}", file=sys.stderr)

    def keep_batch(self, error: Inspectable) -> str:
        """Saves what an error happened on; answers where, or that there was no room."""
        path = self.directory.failed_file(error.step)
        path.parent.mkdir(exist_ok=True)
        try:
            with room(path.parent, 0), replacing(path) as draft:
                error.save(draft)
        except DiskFullError as full:
            return f"its batch could not be kept: {full.strerror}"
        return f"its batch is kept in {path}: workbench.training.failed.load reads it"


def reserve(directory: RunDirectory) -> Path:
    """A file whose only use is to be removed when the disk is full, so that the last message finds room."""
    return directory.logs / "reserve"


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
    """Takes the directory's lock and runs one attempt in this process; answers the exit code."""
    try:
        with Lock(directory.lock):
            write_json(directory.pid, {**asdict(Identity.of(os.getpid())), "attempt": attempt})
            write_atomic(reserve(directory), bytes(65536))
            worker = Worker(directory, attempt)
            with stopped_by_signals(worker):
                code = worker.run(source)
            reserve(directory).unlink(missing_ok=True)
            return code
    except (LockedError, DiskFullError) as error:
        print(error, file=sys.stderr)
        return 3


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
