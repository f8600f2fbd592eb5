"""Faults in every file of a run: flipped, cut, of the wrong types, linked, missing; each is told, or changes nothing.

The cells are made of the files that a run has, each of which must be named in `paths.ENTRIES` and in
docs/run_directory.md: a new file is in the matrix by itself. A cell holds where a resumed run gives the same weights,
steps and rollouts bit for bit, or where one sentence names the file; never a traceback, never another result in silence.
"""

import errno
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy
import pytest

from tests.runs.fake import FakeTrainer, source
from workbench.runs.directory import paths
from workbench.runs.directory.checkpoint import newest_checkpoint
from workbench.runs.directory.paths import ENTRIES, RunDirectory, write_json
from workbench.runs.directory.status import Heartbeat
from workbench.runs.open import Run, open_run
from workbench.runs.process.worker import work
from workbench.runs.summary import document, find_runs, row

ROOT = Path(__file__).resolve().parents[2]
PLAN = {"steps": 4, "every": 1}
#: Files of the whole run whose content is no result: what they say is shown, or written anew by the next attempt.
SHOWN = ("status.json", "pid.json", "lock", "logs/", "plan.json", "control/")


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
    write_json(directory.environment, {"config": {"seed": 0}, "sources": {}, "folder": str(path)})
    write_json(directory.resolved, {"seed": 0, "training": {"steps": 4}})
    write_json(directory.forecast, {"fit": "fits"})
    Heartbeat(directory, 0, 4, state="queued").beat()
    assert train(directory, fail=fail) == (1 if fail else 0)
    return directory


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """A run after three of its four steps."""
    directory = make(tmp_path_factory.mktemp("stopped") / "run", 4)
    Heartbeat(directory, 1, 4, "stopped", "end", 3).beat()
    return directory


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What four steps give."""
    return results(make(tmp_path_factory.mktemp("whole") / "run", 0))


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


def check(directory: RunDirectory, name: str, expected: dict[str, Any]) -> None:
    """The cell: resume, and compare."""
    before = [item for one in find_runs(directory.path.parent) for item in row(one)["warnings"]]
    notes = "" if not directory.format.exists() else told(Run(directory))
    refused, code = "", 0
    try:
        open_run(directory.path)
        code = train(directory)
    except ValueError as error:
        refused = str(error)
    if refused:
        assert Path(name).name in refused
        return
    found = results(directory) if code == 0 else {}
    text = " ".join([notes, *map(str, before), told(Run(directory)), str(found.get("told"))])
    assert "Traceback" not in text
    if code == 0 and all(found[part] == expected[part] for part in ("weights", "lines", "rollouts")):
        return
    if name.startswith(SHOWN):
        assert code == 0, text
        return
    folder = next((part for part in ("checkpoints", "rollouts") if name.startswith(part)), "")
    assert Path(name).name in text or (folder and folder in text), (
        f"{name}: another result without a word: {text[:1500]}"
    )


def flip(path: Path, at: float) -> None:
    """Changes one bit at a share of a file."""
    content = bytearray(path.read_bytes())
    if content:
        content[int(at * (len(content) - 1))] ^= 4
    path.write_bytes(content)


def cut(path: Path, at: float) -> None:
    """Keeps a share of a file."""
    path.write_bytes(path.read_bytes()[: int(at * path.stat().st_size)])


def wrong_types(path: Path, at: float) -> None:
    """Another type in every field of a JSON file, or of the last line; other files get a text."""
    text = path.read_text(errors="replace").rstrip("\n")
    head, _, last = text.rpartition("\n") if path.suffix == ".jsonl" else ("", "", text)
    try:
        value = json.loads(last)
    except ValueError:
        path.write_text("no number")
        return
    bad: Any = [3] if not isinstance(value, dict) else {name: [None, "three", {}][int(2 * at)] for name in value}
    path.write_text(f"{head}\n{json.dumps(bad)}\n" if head else json.dumps(bad))


def gone(path: Path, at: float) -> None:
    """Removes a file."""
    path.unlink()


FAULTS: dict[str, Callable[[Path, float], None]] = {"flip": flip, "cut": cut, "types": wrong_types, "gone": gone}


def cells(directory: RunDirectory) -> Iterator[tuple[str, str]]:
    """Every fault in every file."""
    return ((fault, name) for name in files_of(directory) for fault in FAULTS)


def spoil(stopped: RunDirectory, folder: Path, fault: str, name: str, at: float) -> RunDirectory:
    """A copy of the stopped run with a fault."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(stopped.path, folder / "run")
    FAULTS[fault](folder / "run" / name, at)
    return RunDirectory(folder / "run")


def test_every_file_is_in_the_table_and_in_the_documentation(stopped: RunDirectory) -> None:
    documented = (ROOT / "docs" / "run_directory.md").read_text()
    for name in files_of(stopped):
        if name not in ("plan.json", "format.json"):
            assert any(name == entry or name.startswith(f"{entry}/") for entry in ENTRIES.values()), name
    for entry in ENTRIES.values():
        assert entry.split("/")[0] in documented, f"{entry} is not in docs/run_directory.md"


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_any_file_is_told_or_harmless(
    stopped: RunDirectory, expected: dict[str, Any], tmp_path: Path, fault: str
) -> None:
    for other, name in cells(stopped):
        if other == fault:
            check(spoil(stopped, tmp_path / "cell", fault, name, 0.5), name, expected)


@pytest.mark.soak
@pytest.mark.parametrize("at", numpy.linspace(0, 1, 41).tolist())
def test_a_fault_anywhere_in_any_file_is_told_or_harmless(
    stopped: RunDirectory, expected: dict[str, Any], tmp_path: Path, at: float
) -> None:
    for fault, name in cells(stopped):
        check(spoil(stopped, tmp_path / "cell", fault, name, at), name, expected)


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
    from workbench.runs.directory.settings import check_config

    check_config(directory)
    directory.config.write_text("seed = 1\n[training]\nsteps = 8\n")
    Heartbeat(directory, 1, 4, "stopped", "end", 3).beat()
    with pytest.raises(ValueError, match=r"seed: 0 -> 1; training: 'nothing' -> .*workbench fork run --set seed=VALUE"):
        Run(directory).resume()
    assert files_of(directory) == paths_before


def test_hashing_is_bounded_to_a_hundredth_of_the_time(stopped: RunDirectory) -> None:
    from workbench.runs.process.attempt import Worker

    worker = Worker(stopped, 9)
    assert worker.affordable()
    worker.hashing = 0.5
    assert worker.affordable()  # none was made yet
    import time

    worker.saved = time.perf_counter() - 49
    assert not worker.affordable()
    worker.saved -= 2
    assert worker.affordable()
    assert FakeTrainer().step == 0
