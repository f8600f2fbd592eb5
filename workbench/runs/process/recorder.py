"""The writer of a run's record. Order matters: rollouts, evaluation, checkpoint, and last the metrics line."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from workbench.runs.directory.lines import LineWriter, current, read_lines, restarts_in
from workbench.runs.directory.paths import FOLDERS, RunDirectory
from workbench.runs.directory.record import fill_column, write_evaluation, write_rollouts

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
