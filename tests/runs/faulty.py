"""Runs to be spoilt: one that stopped after three of its four steps, and what four steps give."""

import json
from pathlib import Path
from typing import Any

import numpy

from tests.runs.fake import source
from workbench.runs.directory.checkpoint import newest_checkpoint
from workbench.runs.directory.documents import write_document
from workbench.runs.directory.paths import RunDirectory, write_json
from workbench.runs.directory.status import Heartbeat
from workbench.runs.open import Run, open_run
from workbench.runs.process.worker import work
from workbench.runs.summary import document, find_runs, row

PLAN = {"steps": 4, "every": 1}


def train(directory: RunDirectory, **plan: Any) -> int:
    """Runs the fake trainer in this process; the exit code."""
    write_json(directory.path / "plan.json", {**PLAN, **plan})
    directory.logs.mkdir(exist_ok=True)
    directory.log(directory.attempts() + 1).touch()
    return work(directory, directory.attempts(), source)


def make(path: Path, fail: int) -> RunDirectory:
    """A run of four steps, or up to the one at which it fails, with what a launch writes."""
    directory = RunDirectory(path).create()
    directory.config.write_text("seed = 0\n")
    write_document(directory.environment, {"config": {"seed": 0}, "sources": {}, "folder": str(path)})
    write_document(directory.resolved, {"seed": 0, "training": {"steps": 4}})
    write_document(directory.forecast, {"fit": "fits"})
    Heartbeat(directory, 0, 4, state="queued").beat()
    assert train(directory, fail=fail) == (1 if fail else 0)
    return directory


def files_of(directory: RunDirectory) -> list[str]:
    """Every file of a run, by its path in it."""
    found = sorted(path for path in directory.path.rglob("*") if path.is_file())
    return [path.relative_to(directory.path).as_posix() for path in found]


def results(directory: RunDirectory) -> dict[str, Any]:
    """What may not change without a word: weights, metrics and rollouts."""
    run, newest = open_run(directory.path), newest_checkpoint(directory)
    assert newest is not None
    with numpy.load(newest.path / "weights.npz") as found:
        weights = found["weights"].tobytes()
    timed = ("attempt", "time", "seconds")
    lines = [{name: line[name] for name in line if not name.startswith(timed)} for line in run.lines()]
    frame = run.rollouts()
    rows = {} if frame.empty else {step: repr(rows.to_dict("list")) for step, rows in frame.groupby("step")}
    return {"weights": weights, "lines": lines, "rollouts": rows, "told": told(run)}


def told(run: Run) -> str:
    """All that a reader is told of a run."""
    listed = [item for one in find_runs(run.path.parent) for item in row(one)["warnings"]]
    try:
        shown = document(run)
    except ValueError as error:
        return f"{error} {listed}"
    return json.dumps([shown["skipped"], shown["events"], listed, str(run.status)], default=str)


def flip(path: Path, at: float) -> None:
    """Changes one bit at a share of a file."""
    content = bytearray(path.read_bytes())
    if content:
        content[int(at * (len(content) - 1))] ^= 4
    path.write_bytes(content)


def cut(path: Path, at: float) -> None:
    """Keeps a share of a file."""
    path.write_bytes(path.read_bytes()[: int(at * path.stat().st_size)])
