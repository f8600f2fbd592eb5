"""What the worker asks of a trainer, and no more: it can be driven by any that answers this."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from workbench.runs.directory.paths import RunDirectory
from workbench.runs.directory.sources import config_of, load_stored


@runtime_checkable
class Step(Protocol):
    """What a trainer yields. Number 0 is the state before training: an evaluation and no rollouts."""

    number: int
    metrics: Mapping[str, Any]
    columns: Mapping[str, Any] | None  # as `record.write_rollouts` takes them; None where they are not kept
    evaluation: Mapping[str, Any] | None  # as `record.write_evaluation` takes them
    probes: Mapping[str, Any] | None  # as `columns`
    again: Mapping[str, Any] | None  # `after_logprob` [tokens] of the probes of an earlier `step`, as of after this one
    exams: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]]  # by name: result, and samples as columns
    events: Sequence[str]
    journal: Mapping[str, Sequence[Mapping[str, Any]]]  # lines of `ledger.jsonl` and `problems.jsonl`
    alerts: Sequence[Any]  # of alarms: `alarm` and `text`, and `action`: note, pause, or stop
    ends: str  # why the run ends after this step; empty while it continues


@runtime_checkable
class Trainer(Protocol):
    """What is run: an iterable of steps, with its weights as they are after the last step yielded."""

    step: int  # the last step taken
    on_phase: Callable[[str], None]

    def __iter__(self) -> Iterator[Any]: ...

    def save(self, path: Path) -> None:
        """Writes all that is needed to go on bit for bit into an empty folder."""

    def set(self, **changes: float) -> dict[str, float]:
        """Changes live fields and answers the old value of each; ValueError for what cannot be changed."""


@runtime_checkable
class Inspectable(Protocol):
    """An error of a trainer that can leave what it happened on, to be looked at."""

    step: int  # that could not be made

    def save(self, path: Path) -> None:
        """Writes it to a file."""


@dataclass(frozen=True)
class Job:
    """A trainer, ready for its next step, with what the worker must know of the config."""

    trainer: Trainer
    total: int  # steps
    every: int = 0  # steps between checkpoints that are kept; 0: none


Source = Callable[[RunDirectory], Job]


def from_config(directory: RunDirectory) -> Job:
    """The trainer that the directory's config.toml and sources describe, at its newest checkpoint."""
    from workbench.runs.process.build import build

    load_stored(directory)
    config = config_of(directory)
    trainer: Any = build(config, directory)  # mypy takes a field that holds a function for a method
    return Job(trainer, config.training.steps, config.training.checkpoint)
