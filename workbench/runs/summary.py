"""Runs in a few words and as plain data: what `workbench ls`, `show` and `demo` print."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from workbench.runs.directory.paths import RunDirectory, read_json
from workbench.runs.open import Run, place_of

CURVES = ("reward", "correct", "entropy", "length", "loss", "grad_norm", "seconds")
NEWER = "newer version"  # the state of a run that only a later version of the workbench reads
PATIENCE = 5  # steps in a row without a signal that are worth a word


def find_runs(folder: Path) -> Iterator[Run]:
    """Every run in a folder and in the experiments there, by name; what is neither is passed over."""
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if (path / "experiment.json").is_file():
            yield from find_runs(path)
        elif is_run(path):
            yield Run(RunDirectory(path))


def is_run(path: Path) -> bool:
    """Whether a folder is a run, of whatever format."""
    found = read_json(path / "format.json")
    return isinstance(found, Mapping) and found.get("kind") == "run"


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
    except ValueError as error:
        unknown = dict.fromkeys(("step", "total", "reward", "accuracy", "time"))
        return {**told, "verdict": NEWER, **unknown, "warnings": [str(error)]}
    status, lines = run.status, run.lines()
    return {
        **told,
        "verdict": status.verdict,
        "step": status.step,
        "total": status.total,
        "reward": newest(lines, "reward"),
        "accuracy": newest(lines, "accuracy"),
        "time": status.time,
        "warnings": idle(lines),
    }


def idle(lines: list[dict[str, Any]]) -> list[str]:
    """A word on the newest steps where none of them moved the model: in every group all rewards were alike.

    >>> idle([{"step": step, "zero_variance_groups": 1.0, "grad_norm": 0.0} for step in range(1, 6)])
    ['no group has had a signal since step 1: nothing is learnt; read its rollouts, or change problems or reward']
    """
    since = None
    for line in reversed([line for line in lines if line["step"] > 0]):
        if line.get("zero_variance_groups") != 1 or line.get("grad_norm"):  # a step without an update has no grad_norm
            break
        since = line["step"]
    if since is None or lines[-1]["step"] - since + 1 < PATIENCE:
        return []
    return [
        f"no group has had a signal since step {since}: nothing is learnt; read its rollouts, or change problems or "
        "reward"
    ]


def document(run: Run) -> dict[str, Any]:
    """A run in some more detail."""
    lines, events = run.lines(), run.event_lines()
    return {
        "run": str(run.path),
        "status": asdict(run.status),
        "metrics": lines[-1] if lines else {},
        "accuracy": [{"step": line["step"], "accuracy": line["accuracy"]} for line in lines if "accuracy" in line],
        "warnings": idle(lines),
        "events": events[-10:],
        "rollouts": run.steps("rollouts"),
        "config": run.resolved,
        "passed_over": run.passed_over,
    }


def outcome(run: Run, began: float) -> dict[str, Any]:
    """What came of a run that was launched at `began` (unix seconds) and has ended."""
    status, lines = run.status, run.lines()
    steps = [line for line in lines if line["step"] > 0]
    accuracies = [line["accuracy"] for line in lines if line.get("accuracy") is not None]
    return {
        "run": str(run.path),
        "verdict": status.verdict,
        "steps": len(steps),
        "seconds": (lines[-1]["time"] if lines else time.time()) - began,
        "accuracy_before": accuracies[0] if accuracies else None,
        "accuracy_after": accuracies[-1] if len(accuracies) > 1 else None,
        "seconds_to_first_step": steps[0]["time"] - began if steps else None,
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
    return f"{before:.1%} → {after:.1%} of the held-out problems right at the first try; {took}"
