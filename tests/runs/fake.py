"""A trainer without a model: `python tests/runs/fake.py DIRECTORY [--attempt N]` runs it as a real worker does.

Its weights are one array of float64 that every step multiplies and shifts; so a resumed run can be compared bit
for bit with one that was never killed. `plan.json` in the run directory says how it should behave.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy

from workbench.runs.directory.checkpoint import newest_checkpoint
from workbench.runs.directory.paths import RunDirectory, read_json
from workbench.runs.process.job import Job
from workbench.runs.process.start import Local
from workbench.runs.process.worker import work

FAKE = Local(("-P", __file__))


@dataclass
class Step:
    """A finished step."""

    number: int
    metrics: Mapping[str, float]
    columns: Mapping[str, Any] | None = None
    evaluation: Mapping[str, list[Any]] | None = None
    probes: Mapping[str, Any] | None = None
    again: Mapping[str, Any] | None = None
    events: tuple[str, ...] = ()
    journal: Mapping[str, list[Any]] = field(default_factory=dict)
    exams: Mapping[str, Any] = field(default_factory=dict)
    alerts: tuple[Any, ...] = ()
    ends: str = ""


def make_columns(step: int, weights: Any, lengths: tuple[int, ...] = (3, 1, 4)) -> dict[str, Any]:
    """A few rollouts whose numbers follow from the weights."""
    offsets = numpy.concatenate([[0], numpy.cumsum(lengths)]).astype(numpy.int32)
    tokens, rows = int(offsets[-1]), len(lengths)
    logprob = numpy.resize(weights, tokens).astype(numpy.float32)
    return {
        "offsets": offsets,
        "step": [step] * rows,
        "rollout": list(range(rows)),
        "problem": [f"p{row}" for row in range(rows)],
        "group": [0] * rows,
        "text": [f"answer {row}" for row in range(rows)],
        "token_ids": [list(range(length)) for length in lengths],
        "trained": [[True] * length for length in lengths],
        "prompt_ids": [[1, 2]] * rows,
        "reward": [float(row % 2) for row in range(rows)],
        "parts": [[{"name": "exact", "value": 1.0, "correct": 1.0, "reason": "equal", "extracted": "4"}]] * rows,
        "pruned_at": [None] * rows,
        "logprob": logprob,
        "further": logprob * 0,
        "top_ids": numpy.arange(tokens * 5, dtype=numpy.float32).reshape(tokens, 5),
    }


@dataclass
class FakeTrainer:
    """Steps of `seconds` each; `fail` raises at that step, `big` is the size of its weights in numbers."""

    steps: int = 5
    seconds: float = 0.0
    fail: int = 0
    big: int = 16
    step: int = 0
    rate: float = 0.5
    on_phase: Callable[[str], None] = lambda phase: None
    weights: Any = field(init=False)

    def __post_init__(self) -> None:
        self.weights = numpy.linspace(0.1, 1.0, self.big)

    def __iter__(self) -> Iterator[Step]:
        if self.step == 0:
            self.on_phase("evaluate")
            yield Step(0, {"accuracy": 0.25}, None, {"step": [0], "problem": ["p"], "correct": [0.25]})
        while self.step < self.steps:
            self.on_phase("generate")
            time.sleep(self.seconds)
            if self.fail == self.step + 1:
                raise RuntimeError("the weights ran away")
            self.step += 1
            self.weights = numpy.sin(self.weights * (1.7 + self.rate)) + self.rate * self.step
            metrics = {"reward": float(self.weights[0]), "tokens": 8.0, "seconds": self.seconds, "kl": float("nan")}
            if self.step == self.steps:
                metrics["accuracy"] = 0.75
            ends = f"all {self.steps} steps" if self.step == self.steps else ""
            columns = make_columns(self.step, self.weights)
            yield Step(self.step, metrics, columns, events=(f"note {self.step}",), ends=ends)

    def save(self, path: Path) -> None:
        """Weights, step and rate."""
        numpy.savez(path / "weights.npz", weights=self.weights, step=self.step, rate=self.rate)

    def load(self, path: Path) -> None:
        """What `save` wrote."""
        with numpy.load(path / "weights.npz") as found:
            self.weights, self.step, self.rate = found["weights"], int(found["step"]), float(found["rate"])

    def set(self, **changes: float) -> dict[str, float]:
        """The rate is all that can change."""
        if changes.keys() != {"rate"}:
            raise ValueError(f"{', '.join(changes)} cannot change; rate can")
        old, self.rate = {"rate": self.rate}, changes["rate"]
        return old


def source(directory: RunDirectory) -> Job:
    """The fake trainer as `plan.json` wants it, at its newest checkpoint."""
    plan = read_json(directory.path / "plan.json") or {}
    trainer = FakeTrainer(**{name: value for name, value in plan.items() if name != "every"})
    newest = newest_checkpoint(directory)
    if newest is not None:
        trainer.load(newest.path)
    return Job(trainer, trainer.steps, plan.get("every", 0))


def fake_config(**changes: Any) -> SimpleNamespace:
    """What a config must have to be launched."""
    training = SimpleNamespace(steps=5)
    return SimpleNamespace(name="fake", seed=0, training=training, **changes)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=Path)
    parser.add_argument("--attempt", type=int, default=1)
    given = parser.parse_args()
    sys.exit(work(RunDirectory(given.directory).check(), given.attempt, source))
