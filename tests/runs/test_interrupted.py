"""A disk that fills and a kill at every write; links, missing folders, damaged checkpoints, an edited config."""

import errno
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.runs.fake import source
from tests.runs.faulty import PLAN, files_of, flip, results, train
from workbench.runs.directory import paths
from workbench.runs.directory.checkpoint import newest_checkpoint
from workbench.runs.directory.paths import ENTRIES, RunDirectory, write_json
from workbench.runs.directory.settings import check_config
from workbench.runs.directory.status import Heartbeat
from workbench.runs.open import Run
from workbench.runs.process.attempt import Worker
from workbench.runs.process.worker import work


def written(action: Callable[[], Any], stop: Callable[[int], None]) -> int:
    """Does something while `stop` is called before every file that is made or renamed; how often that was."""
    count = 0

    def counted(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            nonlocal count
            count += 1
            stop(count)
            return original(*given, **named)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for owner, name in (
            (Path, "replace"),
            (Path, "write_bytes"),
            (Path, "rename"),
            (Path, "mkdir"),
            (os, "pwrite"),
        ):
            patch.setattr(owner, name, counted(getattr(owner, name)))
        action()
    return count


class Killed(BaseException):
    """As SIGKILL: nothing of the trainer runs after it."""


def fault_at(number: int, error: Callable[[], BaseException], *, lasting: bool) -> Callable[[int], None]:
    """Raises at the write of a number; `lasting`: and at every one after it."""

    def stop(count: int) -> None:
        if count == number or (lasting and count > number):
            raise error()

    return stop


def no_room() -> BaseException:
    return OSError(errno.ENOSPC, "No space left on device")


def steps_of(stopped: RunDirectory, folder: Path) -> int:
    """How many writes the last step and the end take."""
    shutil.copytree(stopped.path, folder / "run")
    return written(lambda: train(RunDirectory(folder / "run")), lambda number: None)


@pytest.mark.parametrize("lasting", [True, False], ids=["full", "full for a moment"])
@pytest.mark.parametrize("every", [4, pytest.param(1, marks=pytest.mark.soak)])
def test_a_disk_that_fills_at_any_write_is_told_and_harms_nothing(
    stopped: RunDirectory, expected: dict[str, Any], tmp_path: Path, every: int, lasting: bool
) -> None:
    total = steps_of(stopped, tmp_path / "count")
    assert total > 20
    for number in range(1, total + 1, every):
        directory = RunDirectory(tmp_path / str(number) / "run")
        shutil.copytree(stopped.path, directory.path)
        heart = Heartbeat(directory, 2, 4, "starting", "start", 3)
        heart.beat()
        directory.log(2).touch()
        write_json(directory.path / "plan.json", PLAN)
        code = 0

        def attempt(directory: RunDirectory = directory) -> None:
            nonlocal code
            code = work(directory, 2, source)

        written(attempt, fault_at(number, no_room, lasting=lasting))
        status = Run(directory).status
        assert code == 0 or (status.state, "no space left on device" in status.text) == ("failed", True), (
            number,
            status,
        )
        assert train(directory) == 0
        found = results(directory)
        assert all(found[part] == expected[part] for part in ("weights", "lines", "rollouts")), number


@pytest.mark.parametrize("every", [4, pytest.param(1, marks=pytest.mark.soak)])
def test_a_kill_at_any_write_changes_nothing(
    stopped: RunDirectory, expected: dict[str, Any], tmp_path: Path, every: int
) -> None:
    for number in range(1, steps_of(stopped, tmp_path / "count") + 1, every):
        directory = RunDirectory(tmp_path / str(number) / "run")
        shutil.copytree(stopped.path, directory.path)
        child = os.fork()
        if child == 0:  # a process that ends at that write, as by SIGKILL: no `finally`, no `except`
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            written(lambda directory=directory: train(directory), lambda count, at=number: count == at and os._exit(9))
            os._exit(0)
        os.waitpid(child, 0)
        assert train(directory) == 0
        found = results(directory)
        assert all(found[part] == expected[part] for part in ("weights", "lines", "rollouts")), number


@pytest.mark.parametrize("entry", sorted(set(ENTRIES.values())))
def test_a_link_in_the_place_of_an_entry_is_refused(stopped: RunDirectory, tmp_path: Path, entry: str) -> None:
    directory = RunDirectory(tmp_path / "runs" / "run")
    shutil.copytree(stopped.path, directory.path)
    outside, place = tmp_path / "outside", directory.path / entry
    if place.exists():
        shutil.move(place, outside)
    else:
        outside.mkdir()
    place.symlink_to(outside)
    before = sorted((path.as_posix(), path.stat().st_mtime_ns) for path in (outside, *outside.rglob("*")))
    assert work(directory, 9, source) == 3
    with pytest.raises(ValueError, match=rf"{place} is a symbolic link to"):
        Run(directory).resume()
    assert sorted((path.as_posix(), path.stat().st_mtime_ns) for path in (outside, *outside.rglob("*"))) == before


@pytest.mark.parametrize("folder", sorted(paths.FOLDERS))
def test_a_folder_that_is_missing_is_made_again_or_told(
    stopped: RunDirectory, expected: dict[str, Any], tmp_path: Path, folder: str
) -> None:
    directory = RunDirectory(tmp_path / "run")
    shutil.copytree(stopped.path, directory.path)
    shutil.rmtree(directory.path / folder)
    assert train(directory) == 0
    assert results(directory)["weights"] == expected["weights"]


def test_hard_links_are_no_way_out(stopped: RunDirectory, tmp_path: Path) -> None:
    directory = RunDirectory(tmp_path / "run")
    shutil.copytree(stopped.path, directory.path)
    shutil.copytree(directory.path, tmp_path / "backup", copy_function=os.link)
    before = (tmp_path / "backup" / "metrics.jsonl").read_bytes()
    assert train(directory) == 0
    assert (tmp_path / "backup" / "metrics.jsonl").read_bytes() == before


def test_the_newest_intact_checkpoint_is_used_and_the_damaged_file_named(
    stopped: RunDirectory, expected: dict[str, Any], tmp_path: Path
) -> None:
    directory = RunDirectory(tmp_path / "run")
    shutil.copytree(stopped.path, directory.path)
    for name in ("last", "step-000003"):
        flip(directory.checkpoints / name / "weights.npz", 0.5)
    newest = newest_checkpoint(directory)
    assert newest is not None
    assert newest.step == 2
    assert train(directory) == 0
    damaged = [event["text"] for event in Run(directory).event_lines() if event["kind"] == "damaged"]
    assert [text.split(" does not have the SHA-256")[0] for text in damaged] == [
        str(directory.checkpoints / name / "weights.npz") for name in ("last", "step-000003")
    ]
    assert results(directory)["weights"] == expected["weights"]


def test_a_run_without_an_intact_checkpoint_is_not_begun_anew(stopped: RunDirectory, tmp_path: Path) -> None:
    directory = RunDirectory(tmp_path / "run")
    shutil.copytree(stopped.path, directory.path)
    for folder in directory.checkpoints.iterdir():
        flip(folder / "weights.npz", 0.5)
    lines = directory.metrics.read_bytes()
    assert train(directory) == 1
    status = Run(directory).status
    assert status.state == "failed"
    assert "no checkpoint" in status.text
    assert "last/weights.npz does not have the SHA-256" in status.text
    assert directory.metrics.read_bytes() == lines


def test_checkpoints_share_no_file(stopped: RunDirectory) -> None:
    numbers = [path.stat().st_ino for path in stopped.checkpoints.rglob("*") if path.is_file()]
    assert len(numbers) == len(set(numbers))


def test_an_edited_config_is_refused_with_both_values(stopped: RunDirectory, tmp_path: Path) -> None:
    directory = RunDirectory(tmp_path / "run")
    shutil.copytree(stopped.path, directory.path)
    directory.config.write_text("# a comment\nseed = 0\n")
    paths_before = files_of(directory)
    check_config(directory)
    directory.config.write_text("seed = 1\n[training]\nsteps = 8\n")
    Heartbeat(directory, 1, 4, "stopped", "end", 3).beat()
    with pytest.raises(ValueError, match=r"seed: 0 -> 1; training: 'nothing' -> .*workbench fork run --set seed=VALUE"):
        Run(directory).resume()
    assert files_of(directory) == paths_before


def test_hashing_is_bounded_to_a_hundredth_of_the_time(stopped: RunDirectory) -> None:
    worker = Worker(stopped, 9)
    assert worker.affordable()
    worker.hashing = 0.5
    assert worker.affordable()  # none was made yet
    worker.saved = time.perf_counter() - 49
    assert not worker.affordable()
    worker.saved -= 2
    assert worker.affordable()
