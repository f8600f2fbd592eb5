"""`open_run(path)`: the only way into a run, for reading and for orders, from any process and at any time."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.runs.directory.control import Control, Seconds
from workbench.runs.directory.lines import LineReader, current, read_lines, restarts_in
from workbench.runs.directory.paths import RunDirectory, read_json
from workbench.runs.directory.status import Status, read_status
from workbench.runs.process.start import LOCAL, RUNS, Launcher, start

if TYPE_CHECKING:
    import pandas

    from workbench.config import RunConfig

POLL = 0.1  # seconds between two looks at a run
ALREADY = {"pause": ("paused",), "resume": ("running", "slow", "stalled")}  # verdicts that an order would not change


def open_run(path: str | Path, launcher: Launcher = LOCAL) -> "Run":
    """The run in a folder, or of that name in `runs`; ValueError if there is none, or one of a later version."""
    place = place_of(path)
    study = read_json(place / "experiment.json")
    if isinstance(study, dict):
        names = ", ".join(study.get("runs", []))
        raise ValueError(f"{place} is an experiment of several runs: open one of them ({names}), or Experiment(path)")
    return Run(RunDirectory(place).check(), launcher)


def place_of(name: str | Path, runs: Path = RUNS) -> Path:
    """The folder of a run or experiment that is named by its path, or else by its name in a folder of runs."""
    places = (Path(name), runs / name)
    held = [place for place in places if any((place / file).is_file() for file in ("format.json", "experiment.json"))]
    return held[0] if held else places[0]


def refuse_imported(directory: RunDirectory) -> None:
    """Raises for a run whose rollouts another trainer wrote: it has no config and no model."""
    origin = (read_json(directory.resolved) or {}).get("imported")
    if origin:
        raise ValueError(
            f"{directory.path} was imported from {origin['source']} ({origin['format']}), for reading only: it has "
            "neither config nor checkpoint; launch a run for that"
        )


class Run:
    """A run, alive or not. Reading never disturbs it; orders are followed between two steps."""

    def __init__(self, directory: RunDirectory, launcher: Launcher = LOCAL) -> None:
        self.directory, self.launcher = directory, launcher
        self.control = Control(directory)
        self.passed_over: list[str] = []  # what could not be read, and why

    def __repr__(self) -> str:
        return f"<run {self.title}: {self.status}>"

    @property
    def path(self) -> Path:
        """The run's folder."""
        return self.directory.path

    @property
    def name(self) -> str:
        """The run's name."""
        return self.directory.name

    @property
    def title(self) -> str:
        """The name for people: a run of an experiment is led by the experiment's, as in `mine/seed-0`."""
        folder = self.path.resolve().parent
        return f"{folder.name}/{self.name}" if (folder / "experiment.json").is_file() else self.name

    @property
    def config(self) -> "RunConfig":
        """The config it was launched with.

        ValueError where a method written in a cell is not loaded here, and for an imported run.
        """
        from workbench.runs.directory.sources import config_of

        refuse_imported(self.directory)
        return config_of(self.directory)

    @property
    def resolved(self) -> dict[str, Any]:
        """The config with every default written out, as plain data."""
        return dict(read_json(self.directory.resolved) or {})

    @property
    def status(self) -> Status:
        """How it is doing now."""
        return read_status(self.directory)

    # ------------------------------------------------------------------ what it recorded

    def lines(self) -> list[dict[str, Any]]:
        """The metrics of every step, in order, as they stand in the file; without what a later attempt replaced."""
        lines = self.noted(read_lines(self.directory.metrics))
        return list(current(lines, restarts_in(self.event_lines())).values())

    def event_lines(self) -> list[dict[str, Any]]:
        """What happened, in order, as plain data."""
        return self.noted(read_lines(self.directory.events))

    def metrics(self) -> "pandas.DataFrame":
        """One row a step; a number that a step does not have is nan."""
        import pandas

        found = self.lines()
        return pandas.DataFrame(found, columns=columns_in(found, ("attempt", "step", "time")))

    def events(self) -> "pandas.DataFrame":
        """One row an event: attempt, time, step, kind, text, and what belongs to its kind."""
        import pandas

        found = self.event_lines()
        return pandas.DataFrame(found, columns=columns_in(found, ("attempt", "time", "step", "kind", "text")))

    def rollouts(self, step: int | None = None, columns: Sequence[str] | None = None) -> "pandas.DataFrame":
        """The rollouts of a step, or of all, one row each; numbers per token are arrays.

        Only steps whose metrics line is written exist. ValueError for a step that has no rollouts on record.
        """
        return self.table("rollouts", step, columns)

    def evaluations(self, step: int | None = None, columns: Sequence[str] | None = None) -> "pandas.DataFrame":
        """The held-out answers of an evaluation, or of all, one row each."""
        return self.table("evaluations", step, columns)

    def probes(self, step: int | None = None, columns: Sequence[str] | None = None) -> "pandas.DataFrame":
        """The rollouts of the probe problems at an evaluation, or at all, with the columns of `rollouts`."""
        return self.table("probes", step, columns)

    def steps(self, folder: str = "rollouts") -> list[int]:
        """The steps that exist and have a file in a folder: `rollouts`, `evaluations` or `probes`."""
        return [step for step in (line["step"] for line in self.lines()) if self.file(folder, step).exists()]

    def file(self, folder: str, step: int) -> Path:
        """The parquet file of a step."""
        directory = self.directory
        files = {
            "rollouts": directory.rollout_file,
            "evaluations": directory.evaluation_file,
            "probes": directory.probe_file,
        }
        if folder not in files:
            raise ValueError(f"{folder!r} is no table of a run; there are: {', '.join(files)}")
        return files[folder](step)

    def table(self, folder: str, step: int | None, columns: Sequence[str] | None) -> "pandas.DataFrame":
        """The files of one step or all as one table; a file that cannot be read is passed over with a note."""
        import pyarrow

        from workbench.runs.directory.record import read_table

        known = self.steps(folder)
        if step is not None and step not in known:
            raise ValueError(f"{self.path} has no {folder} of step {step}; there are: {spans(known)}")
        tables = []
        for number in known if step is None else [step]:
            try:
                tables.append(read_table(self.file(folder, number), columns))
            except ValueError as error:
                self.note(f"{folder}/{error}; passed over")
        if not tables:
            tables = [pyarrow.table({name: [] for name in columns or ()})]
        return pyarrow.concat_tables(tables, promote_options="default").to_pandas()  # type: ignore[no-any-return]

    def query(self, sql: str) -> "pandas.DataFrame":
        """Answers SQL (DuckDB) over the tables rollouts, evaluations, probes, metrics and events."""
        import duckdb

        with duckdb.connect() as base:
            for folder in ("rollouts", "evaluations", "probes"):
                if files := [str(self.file(folder, step)) for step in self.steps(folder)]:
                    base.read_parquet(files, union_by_name=True).create_view(folder)
            base.register("metrics", self.metrics())
            base.register("events", self.events())
            return base.sql(sql).df()  # type: ignore[no-any-return]

    def noted(self, found: tuple[list[dict[str, Any]], list[str]]) -> list[dict[str, Any]]:
        """What was read; the notes on what was not are kept."""
        for text in found[1]:
            self.note(text)
        return found[0]

    def note(self, text: str) -> None:
        """Keeps a note on what was passed over, once."""
        if text not in self.passed_over:
            self.passed_over.append(text)

    # ------------------------------------------------------------------ while it goes on

    def follow(self, timeout: Seconds | None = None, after: int = -1) -> Iterator[dict[str, Any]]:
        """Yields the metrics of each step after `after` when it is there, until the run ends.

        Ends earlier if `timeout` seconds pass. A step that is done again after a kill comes again.
        """
        reader = LineReader(self.directory.metrics)
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            ended = self.status.ended  # asked before the read: what was written before the end is still read
            yield from (line for line in reader.new() if isinstance(line.get("step"), int) and line["step"] > after)
            if ended or (end is not None and time.monotonic() >= end):
                return
            time.sleep(POLL)

    def wait(self, timeout: Seconds | None = None) -> Status:
        """Waits until the run ends, and answers how; TimeoutError if that takes longer than `timeout` seconds."""
        end = None if timeout is None else time.monotonic() + timeout
        while not (status := self.status).ended:
            if end is not None and time.monotonic() >= end:
                raise TimeoutError(f"{self.title} did not end within {timeout:g} s: {status}")
            time.sleep(POLL)
        return status

    # ------------------------------------------------------------------ orders

    def pause(self, wait: Seconds = 0.0) -> dict[str, Any]:
        """Pauses after the step under way; the weights stay in memory. `wait`: seconds to wait for the answer."""
        return self.order("pause", wait)

    def resume(self, wait: Seconds = 0.0) -> dict[str, Any]:
        """Goes on: a paused run at once, one whose trainer is gone in a new process from its last checkpoint."""
        refuse_imported(self.directory)
        status = self.status
        if status.verdict == "finished":
            raise ValueError(f"{self.title} has finished all its steps; launch a new run with more training.steps")
        if not status.ended and status.verdict != "queued":
            return self.order("resume", wait)
        start(self.directory, self.launcher)
        return {"command": "resume", "result": "done", "text": "a new trainer process was started"}

    def stop(self, wait: Seconds = 0.0) -> dict[str, Any]:
        """Ends the trainer after the step under way; `resume` goes on from there."""
        return self.order("stop", wait)

    def checkpoint(self, wait: Seconds = 0.0) -> dict[str, Any]:
        """Keeps a checkpoint of the state after the step under way."""
        return self.order("checkpoint", wait)

    def set(self, wait: Seconds = 0.0, **values: Any) -> dict[str, Any]:
        """Changes live fields from the next step on, as in `run.set(learning_rate=1e-4)`."""
        if not values:
            raise ValueError("nothing to set; give a live field and its value, as in set(learning_rate=1e-4)")
        return self.order("set", wait, values)

    def order(self, command: str, wait: Seconds, values: dict[str, Any] | None = None) -> dict[str, Any]:
        """Sends an order; the answer, or `pending` where it is not waited for. ValueError if it is refused.

        What is so already is not ordered again.
        """
        refuse_imported(self.directory)
        waiting = self.control.pending()  # read before the status, which a trainer changes before it answers
        status = self.status
        if status.ended or status.verdict == "queued":
            remedy = "" if status.verdict == "finished" else "; resume it first"
            raise ValueError(f"{self.title} is {status.verdict}: no trainer is there to {command}{remedy}")
        if not waiting and status.verdict in ALREADY.get(command, ()):
            return {"command": command, "result": "done", "text": f"already {ALREADY[command][0]}"}
        number = self.control.send(command, values)
        if wait <= 0:
            return {"number": number, "command": command, "result": "pending", "text": ""}
        answer = self.control.wait(number, wait)
        if answer.get("result") == "refused":
            raise ValueError(f"{self.title} refused {command}: {answer.get('text')}")
        return answer


def columns_in(lines: Sequence[dict[str, Any]], first: Sequence[str]) -> list[str]:
    """Every name in the lines, the `first` ones ahead."""
    return list(dict.fromkeys([*first, *(name for line in lines for name in line)]))


def spans(numbers: Sequence[int]) -> str:
    """Numbers in few words.

    >>> spans([1, 2, 3, 7])
    '1-3, 7'
    """
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and number == parts[-1][-1] + 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return ", ".join(str(part[0]) if len(part) == 1 else f"{part[0]}-{part[-1]}" for part in parts) or "none"
