"""A step that is not finite ends the attempt: the event says where its batch is, and the run can be resumed."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from tests.training.small_runs import make_settings, make_trainer
from workbench.kinds import Advantage
from workbench.method import lens
from workbench.ops import group_centre, spread
from workbench.registry import find_method
from workbench.runs.directory.checkpoint import newest_checkpoint
from workbench.runs.directory.paths import DiskFullError, RunDirectory
from workbench.runs.open import Run
from workbench.runs.process.job import Job
from workbench.runs.process.worker import work
from workbench.training.failed import NotFiniteError, load
from workbench.types import Batch, PerToken


@dataclass(frozen=True)
class Bursting(Advantage):
    """The centred reward; nan at step 2 where `burst` says so."""

    burst: bool = True

    def __call__(self, batch: Batch) -> PerToken:
        value = spread(group_centre(batch.reward, batch.group), batch.mask)
        return value * torch.nan if self.burst and batch.step == 2 else value


def source(directory: RunDirectory, *, burst: bool) -> Job:
    """A real trainer at its newest checkpoint, whose advantage may burst."""
    method = dataclasses.replace(find_method("grpo"), advantage=Bursting(burst), key="bursting")
    trainer = make_trainer(method, make_settings(training={"steps": 3, "learning_rate": 1e-2}))
    newest = newest_checkpoint(directory)
    if newest is not None:
        trainer.load(newest.path)
    return Job(trainer, 3)


@pytest.fixture
def failed(directory: RunDirectory) -> Run:
    assert work(directory, 1, lambda found: source(found, burst=True)) == 1
    return Run(directory)


def test_the_event_says_who_and_where_the_batch_is(failed: Run) -> None:
    assert failed.status.state == "failed"
    event = failed.event_lines()[-1]
    path = failed.directory.failed_file(2)
    assert event["kind"] == "failed"
    assert event["text"].startswith("NotFiniteError: method bursting, step 2: bursting in slot advantage is nan")
    assert event["text"].endswith(f"its batch is kept in {path}: workbench.training.failed.load reads it")
    batch = load(path)
    assert batch.step == 2
    assert len(batch.mask) == 16
    assert lens(find_method("grpo"), batch).isfinite().all()  # another method has nothing against it
    assert [line["step"] for line in failed.lines()] == [1]


def test_it_goes_on_from_the_last_good_step(failed: Run) -> None:
    newest = newest_checkpoint(failed.directory)
    assert newest is not None
    assert newest.step == 1
    assert work(failed.directory, 2, lambda found: source(found, burst=False)) == 0
    assert failed.status.state == "finished"
    assert [line["step"] for line in failed.lines()] == [1, 2, 3]


def test_a_full_disk_leaves_the_message(directory: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: NotFiniteError, path: Path) -> None:
        path.write_bytes(b"half")
        raise DiskFullError(28, "no room left")

    monkeypatch.setattr(NotFiniteError, "save", full)
    assert work(directory, 1, lambda found: source(found, burst=True)) == 1
    event = Run(directory).event_lines()[-1]
    assert event["text"].endswith("its batch could not be kept: no room left")
    assert list((directory.path / "failed").iterdir()) == []
