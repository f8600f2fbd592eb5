"""Checkpoint folders that are whole whenever the trainer is killed, and known to be as they were written.

A checkpoint is complete if its manifest, which is written last, names every file with its size; it is intact if every
file has the SHA-256 that stands there. `last` is written as `last.new` and swapped in by two renames; between them
`last.old` and `last.new` are there, and both count. The manifest holds the metrics line of its step as well: if the
trainer dies after the checkpoint and before the line, the line is written when the run is resumed, and the step is
neither lost nor done twice. No two checkpoints share a file: one fault on the disk damages one of them.
"""

import hashlib
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from workbench.runs.directory.documents import MANIFEST as SHAPE
from workbench.runs.directory.documents import read_document, write_document
from workbench.runs.directory.paths import RunDirectory, room

MANIFEST = "manifest.json"
EVERY_STEP = 256 * 1024 * 1024  # bytes up to which `last` is written after every step


class DamagedError(ValueError):
    """A checkpoint, or every one of a run, is not as it was written."""


@dataclass(frozen=True)
class Checkpoint:
    """A complete checkpoint."""

    path: Path
    step: int
    attempt: int
    line: Mapping[str, Any]  # the metrics line of its step
    size: int  # bytes
    hashing: float = 0.0  # seconds of processor time that hashing took, when it was written here


# ---------------------------------------------------------------------------------------------- reading


def read_checkpoint(path: Path) -> Checkpoint | None:
    """The checkpoint in a folder; None if a file is missing or has another size than it was written with.

    `error_in` says whether its files are as they were written, which takes a look at every byte.
    """
    found, error = read_document(path / MANIFEST, SHAPE)
    if found is None or error:
        return None
    sizes = {name: size_of(entry) for name, entry in found["files"].items()}
    for name, size in sizes.items():
        if size is None or not (path / name).is_file() or (path / name).stat().st_size != size:
            return None
    total = sum(size for size in sizes.values() if size is not None)
    return Checkpoint(path, found["step"], found["attempt"], found["line"], total)


def size_of(entry: Any) -> int | None:
    """Bytes of a file of a manifest, where earlier versions had nothing else; None for an entry that says nothing."""
    size = entry.get("bytes") if isinstance(entry, Mapping) else entry
    return size if isinstance(size, int) and not isinstance(size, bool) else None


def error_in(path: Path) -> str:
    """Why the checkpoint in a folder cannot be used, naming the file; empty where it is intact."""
    found, error = read_document(path / MANIFEST, SHAPE)
    if found is None:
        return error or f"{path / MANIFEST} is missing"
    for name, entry in found["files"].items():
        if wrong := file_error(path / name, entry):
            return f"{path / name} {wrong}"
    return ""


def file_error(file: Path, entry: Any) -> str:
    """What is wrong with a file of a checkpoint; empty where it is as it was written."""
    size = size_of(entry)
    try:
        if not file.is_file():
            return "is missing"
        if file.stat().st_size != size:
            return f"has {file.stat().st_size:,} bytes and was written with {size}"
        if isinstance(entry, Mapping) and digest(file) != entry.get("sha256"):
            return "does not have the SHA-256 that it was written with"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    return ""


def folders(directory: RunDirectory) -> Iterator[Path]:
    """Every folder that may hold a checkpoint."""
    yield from (directory.checkpoints / name for name in ("last", "last.new", "last.old"))
    yield from sorted(directory.checkpoints.glob("step-*"))


def candidates(directory: RunDirectory) -> list[Checkpoint]:
    """Every complete checkpoint, the one from which a run continues first."""
    found = [checkpoint for checkpoint in map(read_checkpoint, folders(directory)) if checkpoint is not None]
    return sorted(found, key=lambda checkpoint: (checkpoint.attempt, checkpoint.step), reverse=True)


def newest_checkpoint(directory: RunDirectory) -> Checkpoint | None:
    """The checkpoint from which a run continues: the last one made that is intact; None before the first.

    DamagedError where there are checkpoints, and none of them is intact.
    """
    return select_checkpoint(directory)[0]


def select_checkpoint(directory: RunDirectory) -> tuple[Checkpoint | None, list[str]]:
    """The checkpoint from which a run continues, and what is wrong with those that would have come before it."""
    complete = candidates(directory)
    known = {checkpoint.path for checkpoint in complete}
    broken = [path for path in folders(directory) if path not in known and (path / MANIFEST).exists()]
    errors = [error_in(path) for path in broken]
    for checkpoint in complete:
        if not (error := error_in(checkpoint.path)):
            return checkpoint, errors
        errors.append(error)
    if errors:
        raise DamagedError(
            f"no checkpoint of {directory.path} is intact: {'; '.join(errors)}. Put one of these files back as it was, "
            "then resume; or start over in a folder of its own with `workbench run` on its config.toml"
        )
    return None, []


# ---------------------------------------------------------------------------------------------- writing


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
            draft.mkdir(parents=True)
            write(draft)
            began = time.thread_time()
            files = described(draft)
            hashing = time.thread_time() - began
            write_document(draft / MANIFEST, {**content(), "files": files})
        except BaseException:
            remove(draft)
            raise
    swap(directory)
    found = read_checkpoint(directory.checkpoints / "last")
    assert found is not None
    return replace(found, hashing=hashing)


def described(folder: Path) -> dict[str, dict[str, Any]]:
    """Every file below a folder, with its size in bytes and its SHA-256."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST)
    return {
        path.relative_to(folder).as_posix(): {"bytes": path.stat().st_size, "sha256": digest(path)} for path in files
    }


def digest(file: Path) -> str:
    """The SHA-256 of a file's bytes."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def swap(directory: RunDirectory) -> None:
    """Puts a complete `last.new` in the place of `last`."""
    last, new, old = (directory.checkpoints / name for name in ("last", "last.new", "last.old"))
    remove(old)
    if last.exists():
        last.rename(old)
    new.rename(last)
    remove(old)


def settle_folders(directory: RunDirectory) -> None:
    """Brings the folders in order after a kill: the newest intact one becomes `last`, drafts are removed."""
    last, new, old = (directory.checkpoints / name for name in ("last", "last.new", "last.old"))
    if (new / MANIFEST).exists() and not error_in(new):
        swap(directory)
    elif not last.exists() and old.exists() and not error_in(old):
        old.rename(last)
    if old.exists() and last.exists() and not error_in(last):
        remove(old)
    for folder in (new, *directory.checkpoints.glob(".*.tmp")):
        remove(folder)


def keep(directory: RunDirectory, checkpoint: Checkpoint) -> Path:
    """Keeps a checkpoint under its step's own name, as a copy: a fault on the disk is never in both."""
    target = directory.checkpoints / f"step-{checkpoint.step:06d}"
    draft = directory.checkpoints / f".{target.name}.tmp"
    remove(draft)
    with room(directory.path, checkpoint.size):
        try:
            shutil.copytree(checkpoint.path, draft)
        except BaseException:
            remove(draft)
            raise
    remove(target)
    draft.rename(target)
    return target


def remove(folder: Path) -> None:
    """Removes a folder; the manifest goes first, so that a half-removed one is not taken for complete."""
    if folder.is_dir():
        (folder / MANIFEST).unlink(missing_ok=True)
        shutil.rmtree(folder)
