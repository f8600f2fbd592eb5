"""The writer of a run's record. Order matters: rollouts, evaluation, checkpoint, and last the metrics line."""

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from workbench.runs.directory.lines import LineWriter, current, intact, read_lines, restarts_in
from workbench.runs.directory.links import unshare
from workbench.runs.directory.paths import FOLDERS, RunDirectory
from workbench.runs.directory.record import fill_column, write_evaluation, write_result, write_rollouts

JOURNALS = ("ledger", "problems")  # files that grow by lines of their steps, and are part of a checkpoint
CUT = (*JOURNALS, "questions")  # those that lose the lines of steps that are done again
Save = Callable[[Callable[[], dict[str, Any]]], None]


class Recorder:
    """Writes the steps and events of one attempt (one trainer process) of a run."""

    def __init__(self, directory: RunDirectory, attempt: int) -> None:
        self.directory, self.attempt = directory, attempt
        for entry in FOLDERS:  # one that was removed, or that an earlier version did not make
            (directory.path / entry).mkdir(parents=True, exist_ok=True)
        self.remove_drafts()
        self.metrics = LineWriter(directory.metrics)
        self.events = LineWriter(directory.events)
        self.journals: dict[str, LineWriter] = {}

    def remove_drafts(self) -> None:
        """Removes what a killed trainer left half-written; not the drafts of others, who may be writing now."""
        drafts = list(self.directory.path.glob(".status.json.*.tmp"))
        for name in ("rollouts", "evaluations", "probes", "failed", "control/ack"):
            drafts += (self.directory.path / name).glob(".*.tmp")
        for draft in drafts:
            draft.unlink()

    def step(
        self,
        number: int,
        metrics: Mapping[str, Any],
        columns: Mapping[str, Any] | None = None,
        evaluation: Mapping[str, Any] | None = None,
        probes: Mapping[str, Any] | None = None,
        save: Save | None = None,
    ) -> dict[str, Any]:
        """Records a step and returns its metrics line; the step exists once that line is written, which is last.

        `save` writes the checkpoint and asks for the line, which it keeps inside, when the weights are written.
        What this took stands in `seconds.record` and `seconds.checkpoint` and is added to `seconds`.
        """
        start = time.perf_counter()
        if columns is not None:
            write_rollouts(self.directory.rollout_file(number), columns)
        if evaluation is not None:
            write_evaluation(self.directory.evaluation_file(number), evaluation)
        if probes is not None:
            write_rollouts(self.directory.probe_file(number), probes)
        recorded = time.perf_counter()
        line = {"attempt": self.attempt, "step": number, "time": time.time(), **metrics}
        line["seconds.record"] = float(line.get("seconds.record", 0.0)) + recorded - start
        line["seconds"] = float(line.get("seconds", 0.0)) + recorded - start

        def saved() -> dict[str, Any]:
            line["seconds.checkpoint"] = time.perf_counter() - recorded
            line["seconds"] += line["seconds.checkpoint"]
            return line

        if save is not None:
            save(saved)
        self.metrics.write(line)
        return line

    def exams(self, number: int, found: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Sequence[Any]]]]) -> None:
        """Writes the results and samples of a step's exams, by the exam's name; comes before the metrics line."""
        for name, (document, samples) in found.items():
            write_result(self.directory, name, number, document, samples)

    def remember(self, journal: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        """Appends a step's lines of ledger and stock; comes before its checkpoint, which counts them."""
        for name, lines in journal.items():
            if lines and name not in self.journals:
                self.journals[name] = LineWriter(self.directory.path / f"{name}.jsonl")
            for line in lines:
                self.journals[name].write(line)

    def again(self, number: int, found: Mapping[str, Any]) -> None:
        """Puts what a step did to earlier probes beside them; a note where their file is gone or broken."""
        try:
            fill_column(self.directory.probe_file(found["step"]), "after_logprob", found["after_logprob"])
        except ValueError as error:
            self.event("note", f"what step {number} did to the probes is not on record: {error}", number)

    def catch_up(self, line: Mapping[str, Any]) -> bool:
        """Writes the line of a checkpoint whose trainer died before it could; says whether that was needed."""
        lines, _ = read_lines(self.directory.metrics)
        events, _ = read_lines(self.directory.events)
        if not line or line["step"] in current(lines, restarts_in(events)):
            return False
        self.metrics.write(line)
        return True

    def lost(self, step: int) -> list[int]:
        """The steps up to this one that have no metrics line."""
        events, _ = read_lines(self.directory.events)
        known = current(read_lines(self.directory.metrics)[0], restarts_in(events))
        return [number for number in range(1, step + 1) if number not in known]

    def event(self, kind: str, text: str, step: int | None = None, **more: Any) -> None:
        """Notes something that happened."""
        self.events.write(
            {"attempt": self.attempt, "time": time.time(), "step": step, "kind": kind, "text": text, **more}
        )

    def close(self) -> None:
        """Closes the files."""
        self.metrics.close()
        self.events.close()
        for writer in self.journals.values():
            writer.close()


def read_journals(directory: RunDirectory, step: int) -> dict[str, list[dict[str, Any]]]:
    """The lines of ledger and stock up to a step. ValueError where one is broken: it cannot be made again."""
    found = {}
    for name in JOURNALS:
        lines, notes = read_lines(directory.path / f"{name}.jsonl")
        broken = [note for note in notes if "is torn" not in note]  # the torn end is of a step that is not on record
        if broken:
            raise ValueError(f"{broken[0]}. It is needed to continue: put back the file as it was")
        found[name] = [line for line in lines if line["step"] <= step]
    return found


def cut_journals(directory: RunDirectory, step: int) -> None:
    """Removes what was written of steps after this one, which will be done again."""
    for name in CUT:
        path = directory.path / f"{name}.jsonl"
        if not path.is_file():
            continue
        end = 0
        for line in path.read_bytes().splitlines(keepends=True):
            if not line.endswith(b"\n") or later(line, step):
                unshare(path)
                os.truncate(path, end)
                break
            end += len(line)


def later(line: bytes, step: int) -> bool:
    """Whether a line is of a later step; a broken one stays where it is, so that whoever reads it says so."""
    try:
        return intact(line) and int(json.loads(line)["step"]) > step
    except (ValueError, KeyError, TypeError):
        return False
