"""A sweep on disk: an experiment whose folder also holds `sweep.json` (the plays) and `progress.json` (the queue's).

`experiment.json` and the run directories are those of every experiment, so all that reads runs reads these.
"""

import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from workbench.runs.directory.documents import TABLE, TEXT, Kind, Shape, expect_document
from workbench.runs.directory.lock import Identity
from workbench.runs.directory.paths import RunDirectory, check_name, read_json, write_json
from workbench.runs.experiment import POLL, Experiment
from workbench.runs.open import Run

PLAYS = Kind("a table of plays", lambda value: isinstance(value, dict) and all(map(is_play, value.values())))
SWEEP = Shape({"plays": PLAYS, "axes": TABLE, "place": TABLE}, required=("plays", "axes", "place"),
              remedy="put back the file as it was; the runs in the folder are whole")  # fmt: skip
RUNGS = Kind("a list of decisions", lambda value: isinstance(value, list) and all(map(is_rung, value)))
SECONDS = Kind("a number", lambda value: type(value) in (int, float) and 0 <= value < 1e12)
PROGRESS = Shape({"seconds": SECONDS, "rungs": RUNGS, "ended": TEXT, "problems": TABLE},
                 remedy="put back the file as it was, or remove it: the halving then decides anew")  # fmt: skip


def is_rung(value: Any) -> bool:
    """Whether a value is a decision of the halving."""
    return isinstance(value, dict) and isinstance(value.get("step"), int) and isinstance(value.get("given_up"), list)


def is_play(value: Any) -> bool:
    """Whether a value says what a play is."""
    return isinstance(value, dict) and {"arm", "seed", "digest"} <= value.keys()


@dataclass
class Progress:
    """What a queue remembers for the next one."""

    seconds: float = 0.0  # in which plays trained
    rungs: list[dict[str, Any]] = field(default_factory=list)  # decisions of the halving
    ended: str = ""  # why the last queue stopped early
    problems: dict[str, str] = field(default_factory=dict)  # plays that could not be started
    done: bool = False  # the last queue came to its end: nothing was left to do, or `ended` says why

    @classmethod
    def load(cls, path: Path) -> "Progress":
        """From a sweep's folder; an empty one where nothing was written. ValueError where the file is broken."""
        found = expect_document(path / "progress.json", PROGRESS)
        known = {name: value for name, value in found.items() if name in cls.__dataclass_fields__}
        return cls(**known)

    def save(self, path: Path) -> None:
        """Writes it; DiskFullError where there is no room."""
        write_json(path / "progress.json", asdict(self))

    @property
    def given_up(self) -> dict[str, int]:
        """Arms that were given up, each with the step."""
        return {arm: rung["step"] for rung in self.rungs for arm in rung["given_up"]}


class Sweep(Experiment):
    """A sweep that was started; reads anew at every call."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        content = expect_document(path / "sweep.json", SWEEP)
        if not content:
            raise ValueError(f"{path} is no sweep: it has no sweep.json; give the folder of one")
        self.plays: dict[str, dict[str, Any]] = content["plays"]
        self.axes: dict[str, Any] = content["axes"]
        self.place: dict[str, Any] = content["place"]

    def run(self, play: str) -> Run:
        """The run of a play."""
        return Run(RunDirectory(self.path / check_name(play)))

    @property
    def progress(self) -> Progress:
        """What the queue wrote last."""
        return Progress.load(self.path)

    @property
    def queue_alive(self) -> bool:
        """Whether a queue process works."""
        queue = Identity.parse(read_json(self.path / "queue.json"))
        return bool(queue and queue.alive())

    def wait_for_queue(self, timeout: float | None = None) -> Progress:
        """Waits until the queue has nothing left to do; TimeoutError if that takes longer than `timeout` seconds."""
        end = None if timeout is None else time.monotonic() + timeout
        while self.queue_alive:
            if end is not None and time.monotonic() >= end:
                raise TimeoutError(f"{self.path.name} did not end within {timeout:g} s: {self.counts()}")
            time.sleep(POLL)
        return self.progress

    def document(self) -> dict[str, Any]:
        """The sweep as plain data: its plays, and what the queue wrote."""
        return {"path": str(self.path), "plays": self.rows(), **asdict(self.progress), "ended": self.ended}

    @property
    def ended(self) -> str:
        """Why no queue works although plays may be left; empty while one works, and where it did all it could."""
        progress = self.progress
        if self.queue_alive or (progress.done and not progress.ended):
            return ""
        gone = f"the queue process is gone; read {self.path / 'queue.log'}, and start the sweep again to continue"
        return progress.ended or gone

    def rows(self) -> list[dict[str, Any]]:
        """Every play as plain data: where it stands, and why it ended early."""
        progress, rows = self.progress, []
        for name, play in self.plays.items():
            status = self.run(name).status
            given_up = progress.given_up.get(play["arm"])
            why = progress.problems.get(name) or (status.text if status.state in ("failed", "dead") else "")
            state = "given up" if given_up is not None and status.state != "finished" else status.state
            text = f"its arm was given up at step {given_up}" if state == "given up" else why
            place = {"play": name, "arm": play["arm"], "seed": play["seed"]}
            rows.append({**place, "state": state, "step": status.step, "total": status.total, "why": text})
        return rows
