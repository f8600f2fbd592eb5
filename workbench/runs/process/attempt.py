"""One attempt of a run: a trainer process's way from taking over the directory to the last step.

Everything that is seen from outside happens at a step boundary: commands are applied, the step is recorded, the
checkpoint swapped in.
"""

import os
import shutil
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from workbench.runs.directory.checkpoint import (
    EVERY_STEP,
    Checkpoint,
    candidates,
    keep,
    select_checkpoint,
    settle_folders,
    write_last,
)
from workbench.runs.directory.control import Command, Control
from workbench.runs.directory.documents import STATUS, read_document
from workbench.runs.directory.lines import read_lines, spans
from workbench.runs.directory.lock import Identity
from workbench.runs.directory.paths import DiskFullError, RunDirectory, replacing, room, write_atomic, write_json
from workbench.runs.directory.status import Heartbeat
from workbench.runs.process.job import Inspectable, Job, Source, Step
from workbench.runs.process.recorder import Recorder, cut_journals

PAUSE = 0.1  # seconds between two looks at the commands while paused
HASHING = 100  # times what hashing a checkpoint took must pass before `last` is hashed again: 1 % of the run at most
UNNOTICED = 0.02  # seconds of hashing on the processor that are free: small models keep every step


class Worker:
    """One attempt: from taking over the directory to the last step."""

    def __init__(self, directory: RunDirectory, attempt: int) -> None:
        self.directory, self.attempt = directory, attempt
        self.control = Control(directory)
        before = read_document(directory.status, STATUS)[0] or {}
        self.heart = Heartbeat(
            directory, attempt, *(before.get("total", 0), "starting", "start", before.get("step", 0))
        )
        self.stopping = self.paused = False
        self.ends = ""  # why the last step taken ends the run
        self.start: Checkpoint | None = None
        self.line: Mapping[str, Any] = {}
        self.size, self.hashing, self.saved = 0, 0.0, -float("inf")
        self.recorder: Recorder | None = None
        self.job: Job

    # ------------------------------------------------------------------ the run

    def run(self, source: Source) -> int:
        """Goes through the whole attempt; returns the exit code of the process."""
        try:
            with room(self.directory.path, 0):
                self.open()
                self.load(source)
                self.steps()
        except Exception as error:
            traceback.print_exc()
            self.fail(error)
            return 1
        finally:
            if self.recorder is not None:
                self.recorder.close()
        return 0

    def open(self) -> None:
        """Makes the process known, and opens the record at the newest checkpoint that is intact."""
        directory = self.directory
        write_json(directory.pid, {**asdict(Identity.of(os.getpid())), "attempt": self.attempt})
        write_atomic(reserve(directory), bytes(65536))
        self.heart.beat(phase="load")
        settle_folders(directory)
        self.recorder = Recorder(directory, self.attempt)
        self.start, errors = select_checkpoint(directory)
        for text in errors:
            self.recorder.event("damaged", f"{text}; it is left out", self.start.step if self.start else None)
        if self.start is not None:
            self.line, self.size, self.heart.step = self.start.line, self.start.size, self.start.step
        else:
            self.heart.step = 0
        cut_journals(directory, self.heart.step)

    @property
    def record_of(self) -> Recorder:
        """The record, once it is open."""
        assert self.recorder is not None
        return self.recorder

    def load(self, source: Source) -> None:
        """Brings record and trainer to the same step: that of the newest checkpoint."""
        if self.start is not None:
            self.record_of.catch_up(self.start.line)
            self.record_of.event("resumed", f"continues after step {self.start.step}", self.start.step)
            if lost := self.record_of.lost(self.start.step):
                text = f"metrics.jsonl has no line of step {spans(lost)}: it was cut or removed; put back a copy"
                self.record_of.event("damaged", text, self.start.step)
        else:
            self.record_of.event("started" if self.attempt == 1 else "resumed", "from the beginning", -1)
        lines, _ = read_lines(self.directory.metrics)
        self.job = source(self.directory)
        if self.start is not None and self.job.trainer.step != self.start.step:
            raise ValueError(
                f"the trainer is at step {self.job.trainer.step}, its checkpoint {self.start.path} at "
                f"{self.start.step}: it was not loaded; nothing was changed, so resume the run with the version that "
                "wrote the checkpoint"
            )
        self.job.trainer.on_phase = lambda phase: self.heart.beat(phase=phase)
        tokens = sum(int(line.get("tokens") or 0) for line in lines)
        self.heart.beat(state="running", total=self.job.total, tokens=tokens)

    def steps(self) -> None:
        """Takes and records steps until the last one, or until it is told to stop."""
        self.boundary()
        began = time.perf_counter()
        steps = iter(self.job.trainer)
        while not self.stopping and (step := next(steps, None)) is not None:
            self.record(step)
            if step.number > 0:
                self.heart.seconds.append(time.perf_counter() - began)
            self.boundary()
            began = time.perf_counter()
        state, text = ("stopped", f"after step {self.heart.step}") if self.stopping else ("finished", self.ends)
        self.record_of.event(state, text or f"all {self.job.total} steps", self.heart.step)
        self.heart.beat(state=state, phase="end", text="" if self.heart.step == self.job.total else text)

    def record(self, step: Step) -> None:
        """Writes a step, its checkpoint where one is due, and its line."""
        self.heart.beat(phase="record")
        due = self.job.every > 0 and step.number > 0 and step.number % self.job.every == 0
        self.ends = step.ends
        kept = due or bool(step.ends)
        last = kept or self.stopping or (self.size <= EVERY_STEP and self.affordable())

        def save(line: Callable[[], dict[str, Any]]) -> None:
            self.save(step.number, line, kept)

        if step.again is not None:
            self.record_of.again(step.number, step.again)
        self.record_of.remember(step.journal)
        self.record_of.exams(step.number, step.exams)
        tables = (step.columns, step.evaluation, step.probes)
        self.line = self.record_of.step(step.number, step.metrics, *tables, save if last else None)
        for text in step.events:
            self.record_of.event("note", text, step.number)
        for alert in step.alerts:
            self.record_of.event("alarm", f"{alert.alarm}: {alert.text}", step.number, action=alert.action)
            self.paused = self.paused or alert.action == "pause"
        tokens = self.heart.tokens + int(step.metrics.get("tokens") or 0)
        self.heart.beat(phase="boundary", step=step.number, tokens=tokens)

    def save(self, number: int, line: Callable[[], Mapping[str, Any]], kept: bool) -> Checkpoint:
        """Writes `checkpoints/last`, and keeps it under its number as well if asked."""

        def content() -> dict[str, Any]:
            return {"step": number, "attempt": self.attempt, "line": line()}

        checkpoint = write_last(self.directory, self.job.trainer.save, content, self.size)
        self.size, self.hashing, self.saved = checkpoint.size, checkpoint.hashing, time.perf_counter()
        if kept:
            keep(self.directory, checkpoint)
        return checkpoint

    def affordable(self) -> bool:
        """Whether hashing another checkpoint keeps below one hundredth of the time since the last one."""
        return self.hashing <= UNNOTICED or time.perf_counter() - self.saved >= HASHING * self.hashing

    # ------------------------------------------------------------------ commands

    def order_stop(self) -> None:
        """What a signal asks for."""
        self.stopping = True

    def boundary(self) -> None:
        """Between two steps: applies commands, and stays here while paused."""
        self.apply()
        while self.paused and not self.stopping:
            self.heart.beat(state="paused", phase="pause")
            time.sleep(PAUSE)
            self.apply()
        if self.heart.state == "paused":
            self.heart.beat(state="running", phase="boundary")

    def apply(self) -> None:
        """Applies every command that is waiting, and replies to it."""
        for command in self.control.pending():
            try:
                text, more = self.applied(command)
            except ValueError as error:
                self.control.acknowledge(command, "refused", str(error), step=self.heart.step)
                self.record_of.event("refused", f"{command.command or 'command'}: {error}", self.heart.step)
            else:
                self.record_of.event(command.command, text, self.heart.step, **more)
                self.heart.beat(state="paused" if self.paused else "running")
                self.control.acknowledge(command, "done", text, step=self.heart.step)

    def applied(self, command: Command) -> tuple[str, dict[str, Any]]:
        """Does what a command says; returns what to write about it. ValueError if it cannot be done."""
        if command.error:
            raise ValueError(command.error)
        if command.command == "set":
            return self.change(dict(command.values))
        if command.command == "checkpoint":
            return self.checkpoint_now()
        if command.command == "stop":
            self.stopping = True
        else:
            self.paused = command.command == "pause"
        words = {"stop": "stops after", "pause": "pauses after", "resume": "continues after"}
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
        newest = next(iter(candidates(self.directory)), None)
        if newest is not None and newest.step == self.heart.step:
            return f"kept {keep(self.directory, newest).name}", {}
        if not self.line:
            raise ValueError("there is no step to keep yet; send it again after the first one")
        return f"kept {self.save(self.heart.step, lambda: self.line, True).path.name}", {}

    # ------------------------------------------------------------------ errors

    def fail(self, error: Exception) -> None:
        """Says what went wrong, in the events and the status; on a full disk perhaps in the status alone."""
        full = isinstance(error, DiskFullError)
        text = str(error.strerror) if isinstance(error, DiskFullError) else f"{type(error).__name__}: {error}"
        shutil.rmtree(self.directory.checkpoints / "last.new", ignore_errors=True)
        reserve(self.directory).unlink(missing_ok=True)
        try:
            if isinstance(error, Inspectable):
                text = f"{text}; {self.keep_batch(error)}"
            if self.recorder is not None:
                self.recorder.event("disk full" if full else "failed", text, self.heart.step)
        except OSError as again:
            print(f"could not be written to the events either: {again}", file=sys.stderr)
        try:
            self.heart.last_beat(state="failed", text=text)
        except OSError as again:
            print(f"could not be written to the status either: {again}", file=sys.stderr)

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
