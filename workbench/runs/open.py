"""`open_run(path)`: the only way into a run, for reading and for commands, from any process and at any time."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.runs.directory.control import Control, Seconds
from workbench.runs.directory.documents import EXPERIMENT, SETTINGS, expect_document, read_document
from workbench.runs.directory.lines import LineReader, columns_in, current, read_lines, restarts_in, spans
from workbench.runs.directory.lock import alive, unseen
from workbench.runs.directory.paths import RunDirectory
from workbench.runs.directory.settings import check_config
from workbench.runs.directory.status import Status, holder, read_status
from workbench.runs.process.start import LOCAL, RUNS, Launcher, start

if TYPE_CHECKING:
    import pandas

    from workbench.config import RunConfig

__all__ = ["Run", "open_run", "place_of", "refuse_imported", "spans"]
POLL = 0.1  # seconds between two looks at a run
#: States that a command would not change.
ALREADY = {"pause": ("paused",), "resume": ("starting", "running", "slow", "stalled")}


def open_run(path: str | Path, launcher: Launcher = LOCAL) -> "Run":
    """The run in a folder, or of that name in `runs`; ValueError if there is none, or one of a later version."""
    place = place_of(path)
    study = expect_document(place / "experiment.json", EXPERIMENT)
    if study:
        names = ", ".join(study["runs"])
        raise ValueError(f"{place} is an experiment of several runs: open one of them ({names}), or Experiment(path)")
    return Run(RunDirectory(place).check(), launcher)


def place_of(name: str | Path, runs: Path = RUNS) -> Path:
    """The folder of a run or experiment that is named by its path, or else by its name in a folder of runs."""
    places = (Path(name), runs / name)
    held = [place for place in places if any((place / file).is_file() for file in ("format.json", "experiment.json"))]
    return held[0] if held else places[0]


def refuse_imported(directory: RunDirectory) -> None:
    """Raises for a run whose rollouts another trainer wrote: it has no config and no model."""
    origin = expect_document(directory.resolved, SETTINGS).get("imported")
    if origin:
        raise ValueError(
            f"{directory.path} was imported from {origin.get('source')} ({origin.get('format')}) and is read-only: it "
            "has neither config nor checkpoint; launch a run for that"
        )


class Run:
    """A run, alive or not. Reading never disturbs it; commands are applied between two steps."""

    def __init__(self, directory: RunDirectory, launcher: Launcher = LOCAL) -> None:
        self.directory, self.launcher = directory, launcher
        self.control = Control(directory)
        self.skipped: list[str] = []  # what could not be read, and why

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
    def passed_over(self) -> list[str]:
        """`skipped` under its earlier name, for one version."""
        return self.skipped

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
        """The config with every default written out, as plain data; empty, with a note, where its file is broken."""
        found, error = read_document(self.directory.resolved, SETTINGS)
        if error:
            self.note(error)
        return {name: value for name, value in (found or {}).items() if name != "sha256"}

    @property
    def status(self) -> Status:
        """How it is doing now."""
        return read_status(self.directory)

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
        """The files of one step or all as one table; a file that cannot be read is skipped with a note."""
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
                self.note(f"{folder}/{error}; skipped")
        if not tables:
            tables = [pyarrow.table({name: [] for name in columns or ()})]
        return pyarrow.concat_tables(tables, promote_options="default").to_pandas()  # type: ignore[no-any-return]

    def query(self, sql: str) -> "pandas.DataFrame":
        """Runs SQL (DuckDB) over the tables of `workbench.runs.query.TABLES`: steps, rollouts, tokens, evaluations, …

        A file that cannot be read is skipped with a note. ValueError for SQL that DuckDB refuses.
        """
        from workbench.runs.query import query

        return query(self, sql)

    def noted(self, found: tuple[list[dict[str, Any]], list[str]]) -> list[dict[str, Any]]:
        """What was read; the notes on what was not are kept."""
        for text in found[1]:
            self.note(text)
        return found[0]

    def note(self, text: str) -> None:
        """Keeps a note on what was skipped, once."""
        if text not in self.skipped:
            self.skipped.append(text)

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

    def pause(self, wait: Seconds = 0.0) -> dict[str, Any]:
        """Pauses after the current step; the weights stay in memory. `wait`: seconds to wait for the reply."""
        return self.command("pause", wait)

    def resume(self, wait: Seconds = 0.0, *, take_over: bool = False) -> dict[str, Any]:
        """Continues: a paused run at once, one whose trainer is gone in a new process from its last checkpoint.

        `take_over`: also from a trainer that cannot be seen from here and is gone. ValueError where the run finished
        or its config.toml was edited; the result is `unchanged` where it runs already.
        """
        refuse_imported(self.directory)
        status = self.status
        if status.state == "finished":
            raise ValueError(
                f"{self.title} has finished all its steps: nothing was done; for more of them start a fork with more "
                "training.steps"
            )
        lost = self.unseen_trainer(status)
        if lost and not take_over:
            raise ValueError(f"{self.title} was not resumed: its trainer is {lost}")
        if not status.ended and status.state != "queued" and not lost:
            return self.command("resume", wait)
        check_config(self.directory)
        start(self.directory, self.launcher, take_over=take_over)
        return {"command": "resume", "result": "done", "text": "a new trainer process was started"}

    def unseen_trainer(self, status: Status) -> str:
        """The process, and what to do, where a run is silent under a trainer that nobody sees; empty for any other."""
        process = holder(self.directory)
        if (
            process is None
            or status.state not in ("stalled", "dead")
            or alive(self.directory.lock, process) is not None
        ):
            return ""
        return f"process {process.pid} on {process.host}{unseen(process)}"

    def stop(self, wait: Seconds = 0.0) -> dict[str, Any]:
        """Ends the trainer after the current step; `resume` continues from there."""
        return self.command("stop", wait)

    def checkpoint(self, wait: Seconds = 0.0) -> dict[str, Any]:
        """Keeps a checkpoint of the state after the current step."""
        return self.command("checkpoint", wait)

    def set(self, wait: Seconds = 0.0, **values: Any) -> dict[str, Any]:
        """Changes live fields from the next step on, as in `run.set(learning_rate=1e-4)`."""
        if not values:
            raise ValueError("nothing to set; give a live field and its value, as in set(learning_rate=1e-4)")
        return self.command("set", wait, values)

    def command(self, command: str, wait: Seconds, values: dict[str, Any] | None = None) -> dict[str, Any]:
        """Sends a command; its reply, or `pending` where it is not waited for. ValueError if it is refused.

        The result is `unchanged` where the run is so already, and nothing is sent.
        """
        refuse_imported(self.directory)
        waiting = self.control.pending()  # read before the status, which a trainer changes before it answers
        status = self.status
        if status.ended or status.state == "queued":
            remedy = "" if status.state == "finished" else "; resume it first"
            raise ValueError(f"{self.title} is {status.state}: no trainer is there to {command}{remedy}")
        if not waiting and status.state in ALREADY.get(command, ()):
            return {"command": command, "result": "unchanged", "text": f"already {status}: nothing was done"}
        number = self.control.send(command, values)
        if wait <= 0:
            return {"number": number, "command": command, "result": "pending", "text": ""}
        answer = self.control.wait(number, wait)
        if answer.get("result") == "refused":
            raise ValueError(f"{self.title} refused {command}: {answer.get('text')}")
        return answer
