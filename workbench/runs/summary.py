"""Runs in a few words and as plain data: what `workbench ls`, `show` and `demo` print."""

import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from workbench.runs.directory.documents import FORMAT_FILE, read_document
from workbench.runs.directory.lines import LineReader, newest_first, restarts_in
from workbench.runs.directory.paths import LaterVersionError, RunDirectory
from workbench.runs.open import Run, place_of

CURVES = ("reward", "correct", "entropy", "length", "loss", "grad_norm", "seconds")
NEWER = "newer version"  # the state of a run that only a later version of the workbench reads
UNREADABLE = "unreadable"  # the state of a run whose files cannot be read
PATIENCE = 5  # steps in a row without a signal that are worth a word


def find_runs(folder: Path) -> Iterator[Run]:
    """Every run in a folder and in the experiments there, by name; what is neither is skipped."""
    names = sorted(os.listdir(folder)) if folder.is_dir() else []
    for path in (folder / name for name in names if not name.startswith(".")):
        if is_run(path):
            yield Run(RunDirectory(path))
        elif (path / "experiment.json").is_file():
            yield from find_runs(path)


def is_run(path: Path) -> bool:
    """Whether a folder is a run, of whatever format, or one whose format.json is broken."""
    found, error = read_document(path / "format.json", FORMAT_FILE)
    return bool(error) or (found is not None and found["kind"] == "run")


def find_run(name: str, folder: Path) -> Run:
    """A run by path, or by its name in a folder; ValueError that names those there are, or for a later version's."""
    path = place_of(name, folder)
    if is_run(path):
        return Run(RunDirectory(path).check())
    known = [str(run.path.relative_to(folder)) for run in find_runs(folder)]
    raise ValueError(f"no run is called {name!r}; in {folder} there are: {', '.join(known) or 'none'}")


def row(run: Run) -> dict[str, Any]:
    """A run in one line; of one of a later version no more than its name, and what is to be done."""
    told: dict[str, Any] = {"name": run.name, "path": str(run.path)}
    try:
        run.directory.check()
        status = run.status
        recent = recent_metrics(run, status.attempt)
    except LaterVersionError as error:
        return {**told, **unknown(NEWER), "warnings": [str(error)]}
    except (ValueError, OSError) as error:
        return {**told, **unknown(UNREADABLE), "warnings": [str(error)]}
    broken = [status.text] if "status.json" in status.text else []
    return {
        **told,
        "state": status.state,
        "verdict": status.state,  # the earlier name, for one version
        "step": status.step,
        "total": status.total,
        "reward": recent.values.get("reward"),
        "accuracy": recent.values.get("accuracy"),
        "time": status.time,
        "warnings": [*idle(recent.lines), *broken, *recent.notes],
    }


def unknown(state: str) -> dict[str, Any]:
    """What a row shows of a run that cannot be read."""
    return {"state": state, "verdict": state, **dict.fromkeys(("step", "total", "reward", "accuracy", "time"))}


@dataclass
class Recent:
    """The end of a run's metrics, as far back as a row needs it."""

    lines: list[dict[str, Any]]  # the last steps, back to the first that had a signal
    values: dict[str, Any]  # the last reward and accuracy
    notes: list[str]


def recent_metrics(run: Run, attempt: int) -> Recent:
    """The end of metrics.jsonl, read backwards: the same as `run.lines()` has, at a cost that does not grow with steps.

    Attempts after the first may have continued from an earlier step: then events.jsonl says which lines count.
    """
    reader = LineReader(run.directory.metrics)
    found, restarts = Recent([], {}, reader.skipped), None
    ended, wanted = False, {"reward": b'"reward"', "accuracy": b'"accuracy"'}
    for place in newest_first(run.directory.metrics):
        missing = [mark for name, mark in wanted.items() if name not in found.values]
        if ended and not any(mark in place[1] for mark in missing):
            if not missing:
                break
            continue
        line = reader.decode(place)
        if line is None:
            continue
        if restarts is None:
            restarts = {} if max(attempt, line.get("attempt", 1)) <= 1 else restarts_in(run.event_lines())
        if any(later > line.get("attempt", 1) and start < line["step"] for later, start in restarts.items()):
            continue
        if not ended:
            found.lines.insert(0, line)
            ended = line["step"] > 0 and moved(line)
        for name in wanted:
            if line.get(name) is not None:
                found.values.setdefault(name, line[name])
    return found


def moved(line: Mapping[str, Any]) -> bool:
    """Whether a step had a signal, or moved the model otherwise; one without an update has no grad_norm."""
    return line.get("zero_variance_groups") != 1 or bool(line.get("grad_norm"))


def idle(lines: list[dict[str, Any]]) -> list[str]:
    """A warning where none of the newest steps moved the model: in every group all rewards were equal.

    >>> idle([{"step": step, "zero_variance_groups": 1.0, "grad_norm": 0.0} for step in range(1, 6)])
    ['all groups have zero reward variance since step 1: no update; read its rollouts, or change problems or reward']
    """
    since = None
    for line in reversed([line for line in lines if line["step"] > 0]):
        if moved(line):
            break
        since = line["step"]
    if since is None or lines[-1]["step"] - since + 1 < PATIENCE:
        return []
    return [
        f"all groups have zero reward variance since step {since}: no update; read its rollouts, or change problems or "
        "reward"
    ]


def document(run: Run) -> dict[str, Any]:
    """A run in some more detail."""
    lines, events = run.lines(), run.event_lines()
    return {
        "run": str(run.path),
        "status": {**asdict(run.status), "verdict": run.status.state},  # the earlier name, for one version
        "metrics": lines[-1] if lines else {},
        "accuracy": [{"step": line["step"], "accuracy": line["accuracy"]} for line in lines if "accuracy" in line],
        "warnings": idle(lines),
        "events": events[-10:],
        "rollouts": run.steps("rollouts"),
        "config": run.resolved,
        "skipped": run.skipped,
        "passed_over": run.skipped,  # the earlier name, for one version
    }


def outcome(run: Run, began: float) -> dict[str, Any]:
    """What came of a run that was launched at `began` (unix seconds) and has ended."""
    status, lines = run.status, run.lines()
    steps = [line for line in lines if line["step"] > 0]
    accuracies = [line["accuracy"] for line in lines if line.get("accuracy") is not None]
    return {
        "run": str(run.path),
        "state": status.state,
        "verdict": status.state,  # the earlier name, for one version
        "steps": len(steps),
        "seconds": (lines[-1].get("time", began) if lines else time.time()) - began,
        "accuracy_before": accuracies[0] if accuracies else None,
        "accuracy_after": accuracies[-1] if len(accuracies) > 1 else None,
        "seconds_to_first_step": steps[0].get("time", began) - began if steps else None,
        "seconds_a_step": status.typical,
        "reward_first": steps[0].get("reward") if steps else None,
        "reward_last": steps[-1].get("reward") if steps else None,
        "tokens": status.tokens,
        "text": status.text,
    }


def newest(lines: list[dict[str, Any]], name: str) -> Any:
    """The last value of a metric; None if no step has it."""
    return next((line[name] for line in reversed(lines) if line.get(name) is not None), None)


def sentence(line: dict[str, Any]) -> str:
    """A step's metrics in one line.

    >>> sentence({"step": 3, "reward": 0.5, "seconds": 1.25})
    'step    3  reward 0.500  seconds 1.250'
    """
    known = [name for name in ("accuracy", *CURVES) if isinstance(line.get(name), int | float)]
    shown = [f"{name} {line[name]:.3f}" if abs(line[name]) < 10 else f"{name} {line[name]:.1f}" for name in known]
    return "  ".join([f"step {line['step']:4d}", *shown])


def learned(result: dict[str, Any]) -> str:
    """What a run came to, in one sentence."""
    before, after = (result[name] for name in ("accuracy_before", "accuracy_after"))
    took = f"{result['steps']} steps in {result['seconds']:.0f} s"
    if before is None or after is None:
        return f"{took}; no held-out problem was scored before and after"
    return f"held-out pass@1: {before:.1%} → {after:.1%}; {took}"
