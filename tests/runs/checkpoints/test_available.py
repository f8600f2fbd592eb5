"""The checkpoints of a run by step, and reading them while a trainer replaces them."""

import shutil
from pathlib import Path

import pytest
import torch

from workbench.runs.checkpoints.available import MovedError, checkpoints, find_checkpoint, read_from, use_checkpoint
from workbench.runs.directory.checkpoint import Checkpoint, read_checkpoint, write_last
from workbench.runs.directory.lines import LineWriter
from workbench.runs.open import Run
from workbench.training import checkpoint


def test_a_checkpoint_that_is_replaced_while_it_is_read_is_read_again(copy: Run) -> None:
    directory, tries = copy.directory, []
    for folder in directory.checkpoints.glob("step-*"):
        shutil.rmtree(folder)

    def read(folder: Path) -> int:
        tries.append(folder)
        if len(tries) == 1:  # a trainer takes its next step at this moment
            line = {"attempt": 1, "step": 4}
            weights = {"weight": torch.zeros(1)}
            content = {"step": 4, "attempt": 1, "line": line}
            write_last(directory, lambda path: checkpoint.write(path, weights, {}), lambda: content, 0)
        elif len(tries) == 2:
            shutil.rmtree(folder)
            raise FileNotFoundError(folder)
        return len(tries)

    with pytest.raises(ValueError, match="no checkpoint yet"):  # the third look finds nothing at all
        use_checkpoint(directory, None, lambda found: read_from(found, read))
    assert len(tries) == 2


def test_a_fault_that_is_not_the_trainers_is_told(run: Run) -> None:
    found = find_checkpoint(run.directory, 3)

    def read(folder: Path) -> None:
        raise OSError("the disk is broken")

    with pytest.raises(OSError, match="the disk is broken"):
        read_from(found, read)
    gone = Checkpoint(found.path, 2, 1, {}, 0)
    with pytest.raises(MovedError, match="was replaced while it was read"):
        read_from(gone, lambda folder: None)


def test_checkpoints_that_a_later_attempt_gave_up_do_not_count(copy: Run) -> None:
    assert list(checkpoints(copy.directory)) == [1, 2, 3]
    assert checkpoints(copy.directory)[3].path.name == "step-000003"  # rather than `last`, which moves on
    events = LineWriter(copy.directory.events)
    events.write({"attempt": 2, "kind": "resumed", "step": 1})
    events.close()
    assert list(checkpoints(copy.directory)) == [1]
    (copy.path / "checkpoints" / "step-000001" / "state.json").unlink()
    assert read_checkpoint(copy.path / "checkpoints" / "step-000001") is None
    assert list(checkpoints(copy.directory)) == []
