"""A real run, made here in a second: the embedded model for three steps, every checkpoint kept."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from workbench.runs.demo import demo_config
from workbench.runs.directory.paths import RunDirectory, new_directory
from workbench.runs.open import Run, open_run
from workbench.runs.prepare import prepare
from workbench.runs.process.start import start
from workbench.runs.process.worker import work


@dataclass(frozen=True)
class Here:
    """Runs the trainer in this process, to its end."""

    def start(self, directory: RunDirectory, attempt: int) -> None:
        assert work(directory, attempt) == 0, directory.events.read_text()


@dataclass(frozen=True)
class Nobody:
    """Starts nothing: what a trainer would find can be looked at."""

    def start(self, directory: RunDirectory, attempt: int) -> None:
        del directory, attempt


def shared_run(factory: pytest.TempPathFactory) -> Run:
    """The finished run that all tests of a session may read; who changes it copies it first."""
    runs = factory.getbasetemp() / "shared"
    return open_run(runs / "parent") if (runs / "parent").exists() else make_run(runs)


def make_run(runs: Path, name: str = "parent", **changes: Any) -> Run:
    """A finished run; a table's name changes fields of that table, a list replaces it."""
    small: dict[str, Any] = {
        "model": {"device": "cpu"},
        "method": {"method": "grpo"},
        "rollouts": {"problems": 4, "rollouts": 4, "max_tokens": 40},
        "training": {"steps": 3, "checkpoint": 1, "threads": 1, "target_accuracy": None, "max_seconds": None},
        "evaluation": {"problems": 4, "probes": 0},
    }
    lists = {table: value for table, value in changes.items() if isinstance(value, list)}
    tables = {**small, **changes}.keys() - lists.keys()
    merged = {table: {**small.get(table, {}), **changes.get(table, {})} for table in tables}
    config = demo_config().replace(name=name, **merged, **lists)
    directory = prepare(config, new_directory(runs, name), config.to_toml())
    start(directory, Here())
    return Run(directory)


def same(first: Any, second: Any) -> bool:
    """Whether two states are equal, bit for bit."""
    if isinstance(first, torch.Tensor):
        return torch.equal(first, second)
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(same(first[name], second[name]) for name in first)
    if isinstance(first, list | tuple):
        return len(first) == len(second) and all(map(same, first, second))
    return bool(first == second)
