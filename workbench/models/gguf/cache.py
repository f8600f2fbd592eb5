"""The cache folder: converted models, each whole with its digests or not there at all.

A model is written into a folder of another name and renamed when it is complete, under a lock; so two processes that
convert at once are safe, and one of them works. A folder whose files are not those that were written is made again.
"""

import functools
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

MADE = "made.json"  # names, sizes and digests of all other files; written last
FORMAT = 1  # of what is written; another number is another folder
MARGIN = 64 * 2**20  # bytes that tokenizer and configuration may take


def cache_folder() -> Path:
    """Where converted models are kept: $WORKBENCH_CACHE, or rlvr-workbench in $XDG_CACHE_HOME or ~/.cache."""
    own = os.environ.get("WORKBENCH_CACHE")
    if own:
        return Path(own).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rlvr-workbench"


def folder_of(path: Path) -> Path:
    """Where the conversion of a file is kept, whether it is there or not: the name holds the file's digest."""
    return cache_folder() / "models" / f"{path.stem}-{digest(path)[:16]}-{FORMAT}"


def digest(path: Path) -> str:
    """A file's SHA-256; read again only when size or time of change differ."""
    found = path.stat()
    return read_digest(path, found.st_size, found.st_mtime_ns)


@functools.lru_cache(maxsize=64)
def read_digest(path: Path, size: int, changed: int) -> str:
    """See `digest`; `size` and `changed` say which state of the file is meant."""
    del size, changed
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def kept(path: Path, convert: Callable[[Path, Path], None]) -> Path:
    """The folder of a file's conversion, made by `convert(file, folder)` where it is not there or damaged.

    ValueError where the cache cannot be written; nothing half-written stays.
    """
    from filelock import FileLock

    folder = folder_of(path)
    if whole(folder):
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.parent / f"{folder.name}.lock"):
            if not whole(folder):
                make(path, folder, convert)
    except OSError as error:
        raise ValueError(
            f"{path} cannot be converted into {folder.parent}: {error.strerror or error}; free some space there, or "
            "set WORKBENCH_CACHE to a folder that can be written"
        ) from error
    return folder


def make(path: Path, folder: Path, convert: Callable[[Path, Path], None]) -> None:
    """Converts into a folder of another name, then renames it; the caller holds the lock."""
    for left in folder.parent.glob(f".{folder.name}-*"):  # by a process that was killed
        shutil.rmtree(left)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-", ignore_cleanup_errors=True) as name:
        new = Path(name) / "model"
        new.mkdir()
        convert(path, new)
        written = {file.name: [file.stat().st_size, digest(file)] for file in sorted(new.iterdir())}
        (new / MADE).write_text(json.dumps({"source": path.name, "sha256": digest(path), "files": written}, indent=1))
        if folder.exists():
            shutil.rmtree(folder)
        new.rename(folder)


def whole(folder: Path) -> bool:
    """Whether a folder holds exactly what was written into it."""
    try:
        files: dict[str, list[object]] = json.loads((folder / MADE).read_text())["files"]
        return bool(files) and all(
            (folder / name).stat().st_size == size and digest(folder / name) == known
            for name, (size, known) in files.items()
        )
    except (OSError, ValueError, KeyError, TypeError):  # not there, torn, or not ours
        return False


def room_error(path: Path, size: int) -> list[str]:
    """Whether a conversion of so many bytes finds room, unless it is there already."""
    folder = folder_of(path)
    if (folder / MADE).is_file():
        return []
    place = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free, wanted = shutil.disk_usage(place).free, size + MARGIN
    if free >= wanted:
        return []
    return [
        f"{path} takes {wanted / 2**20:.0f} MiB once converted, and {place} has {free / 2**20:.0f} MiB free: make room "
        "there, or set WORKBENCH_CACHE to a folder on another disk"
    ]
