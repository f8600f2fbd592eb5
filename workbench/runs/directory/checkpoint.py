"""Checkpoint folders that are whole at every moment, whenever the trainer is killed.

A checkpoint is complete if its manifest, which is written last, names every file with its size. `last` is
written as `last.new` and swapped in by two renames; between them `last.old` and `last.new` are there, and both
count. The manifest holds the metrics line of its step as well: if the trainer dies after the checkpoint and
before the line, the line is written when the run is resumed, and the step is neither lost nor done twice.
"""

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.runs.directory.paths import RunDirectory, read_json, room, write_json

MANIFEST = "manifest.json"
EVERY_STEP = 256 * 1024 * 1024  # bytes up to which `last` is written after every step


@dataclass(frozen=True)
class Checkpoint:
    """A complete checkpoint."""

    path: Path
    step: int
    attempt: int
    line: Mapping[str, Any]  # the metrics line of its step
    size: int  # bytes


def read_checkpoint(path: Path) -> Checkpoint | None:
    """The checkpoint in a folder; None if a file is missing or has another size than it was written with."""
    found = read_json(path / MANIFEST)
    if not isinstance(found, dict) or not isinstance(found.get("files"), dict):
        return None
    for name, size in found["files"].items():
        if not (path / name).is_file() or (path / name).stat().st_size != size:
            return None
    numbers = {name: int(found[name]) for name in ("step", "attempt")}
    return Checkpoint(path, **numbers, line=found["line"], size=sum(found["files"].values()))


def newest_checkpoint(directory: RunDirectory) -> Checkpoint | None:
    """The checkpoint from which a run goes on: the last one made; None before the first."""
    folders = [directory.checkpoints / name for name in ("last", "last.new", "last.old")]
    folders += directory.checkpoints.glob("step-*")
    found = [checkpoint for checkpoint in map(read_checkpoint, folders) if checkpoint is not None]
    return max(found, key=lambda checkpoint: (checkpoint.attempt, checkpoint.step), default=None)


def write_last(
    directory: RunDirectory, write: Callable[[Path], None], content: Callable[[], Mapping[str, Any]], need: int
) -> Checkpoint:
    """Has `write` fill a folder and makes it `checkpoints/last`.

    `content` is asked, when that is done, for the manifest without the files: step, attempt, line. `need`
    is how many bytes it may take, for the message of DiskFullError; after that error the earlier `last` stands.
    """
    draft = directory.checkpoints / "last.new"
    remove(draft)
    with room(directory.path, need):
        try:
            draft.mkdir()
            write(draft)
            write_json(draft / MANIFEST, {**content(), "files": sizes(draft)})
        except BaseException:
            remove(draft)
            raise
    swap(directory)
    found = read_checkpoint(directory.checkpoints / "last")
    assert found is not None
    return found


def sizes(folder: Path) -> dict[str, int]:
    """Every file below a folder, with its size in bytes."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST)
    return {path.relative_to(folder).as_posix(): path.stat().st_size for path in files}


def swap(directory: RunDirectory) -> None:
    """Puts a complete `last.new` in the place of `last`."""
    last, new, old = (directory.checkpoints / name for name in ("last", "last.new", "last.old"))
    remove(old)
    if last.exists():
        last.rename(old)
    new.rename(last)
    remove(old)


def settle_folders(directory: RunDirectory) -> None:
    """Brings the folders in order after a kill: the newest complete one becomes `last`, drafts are removed."""
    last, new, old = (directory.checkpoints / name for name in ("last", "last.new", "last.old"))
    if read_checkpoint(new) is not None:
        swap(directory)
    elif not last.exists() and read_checkpoint(old) is not None:
        old.rename(last)
    for folder in (new, old, *directory.checkpoints.glob(".*.tmp")):
        remove(folder)


def keep(directory: RunDirectory, checkpoint: Checkpoint) -> Path:
    """Keeps `last` under its step's own name; the files are shared (no file of a checkpoint is ever changed)."""
    target = directory.checkpoints / f"step-{checkpoint.step:06d}"
    draft = directory.checkpoints / f".{target.name}.tmp"
    remove(draft)
    with room(directory.path, checkpoint.size):
        shutil.copytree(checkpoint.path, draft, copy_function=link_or_copy)
    remove(target)
    draft.rename(target)
    return target


def link_or_copy(source: str, target: str) -> None:
    """A second name for a file; a copy where the file system has no links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def remove(folder: Path) -> None:
    """Removes a folder; the manifest goes first, so that a half-removed one is not taken for complete."""
    if folder.is_dir():
        (folder / MANIFEST).unlink(missing_ok=True)
        shutil.rmtree(folder)
