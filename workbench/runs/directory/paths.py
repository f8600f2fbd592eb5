"""The run directory: where everything lies, and how files come into being whole.

A file is written under a temporary name (a leading dot, so that no reader picks it up) and renamed. Names that
are not listed here are foreign: readers leave them alone.
"""

import errno
import json
import math
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FORMAT = 1
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class DiskFullError(OSError):
    """There was no room for a file of a run; the message names the directory and what is needed."""


class LaterVersionError(ValueError):
    """A run directory was written by a later version of the workbench."""


@dataclass(frozen=True)
class RunDirectory:
    """The paths of one run."""

    path: Path

    def __getattr__(self, name: str) -> Path:
        """The path of an entry of `ENTRIES`, as in `directory.metrics`."""
        if name not in ENTRIES:
            raise AttributeError(f"a run directory has no {name!r}; it has: {', '.join(ENTRIES)}")
        return self.path / ENTRIES[name]

    @property
    def name(self) -> str:
        """The run's name: its folder's."""
        return self.path.name

    def rollout_file(self, step: int) -> Path:
        """The rollouts of a step."""
        return self.path / "rollouts" / f"step-{step:06d}.parquet"

    def evaluation_file(self, step: int) -> Path:
        """The evaluation made at a step."""
        return self.path / "evaluations" / f"step-{step:06d}.parquet"

    def probe_file(self, step: int) -> Path:
        """The rollouts of the probe problems at a step."""
        return self.path / "probes" / f"step-{step:06d}.parquet"

    def failed_file(self, step: int) -> Path:
        """The batch of a step that was not finite."""
        return self.path / "failed" / f"step-{step:06d}.safetensors"

    def log(self, attempt: int) -> Path:
        """What the trainer process of an attempt printed."""
        return self.path / "logs" / f"attempt-{attempt}.log"

    def attempts(self) -> int:
        """How many trainer processes were started on this directory so far."""
        found = [re.fullmatch(r"attempt-(\d+)\.log", path.name) for path in self.logs.glob("attempt-*.log")]
        return max((int(match[1]) for match in found if match), default=0)

    def create(self) -> "RunDirectory":
        """Makes the folder, which must not be there, and what every run has; answers itself."""
        self.path.mkdir(parents=True)
        for entry in FOLDERS:
            (self.path / entry).mkdir(parents=True)
        write_json(self.format, {"format": FORMAT, "kind": "run"})
        return self

    def check(self) -> "RunDirectory":
        """Refuses what is no run directory, or one of a later format; answers itself."""
        found = read_json(self.format)
        if not isinstance(found, Mapping) or found.get("kind") != "run":
            what = "has no format.json" if not self.format.exists() else "format.json does not say that it is one"
            raise ValueError(f"{self.path} is no run directory: {what}; give the folder of a run")
        number = found.get("format")
        if not isinstance(number, int) or isinstance(number, bool) or number < 1:
            raise ValueError(
                f"{self.format}: format = {number!r} is no version; put back the file as it was: this version writes "
                f"format = {FORMAT}"
            )
        if number > FORMAT:
            raise LaterVersionError(
                f"{self.path} has format {number}, this version reads up to {FORMAT}; upgrade rlvr-workbench to open "
                "it, or put back format.json if it was changed"
            )
        return self


#: What a run directory holds, by the attribute under which its path is found.
ENTRIES = {
    "format": "format.json",
    "config": "config.toml",
    "resolved": "resolved.json",
    "environment": "env.json",
    "forecast": "forecast.json",
    "source": "source",
    "status": "status.json",
    "pid": "pid.json",
    "lock": "lock",
    "control": "control",
    "acknowledged": "control/ack",
    "events": "events.jsonl",
    "metrics": "metrics.jsonl",
    "ledger": "ledger.jsonl",
    "problems": "problems.jsonl",
    "questions": "questions.jsonl",
    "replies": "replies.jsonl",
    "tokenizer": "tokenizer",
    "rollouts": "rollouts",
    "evaluations": "evaluations",
    "probes": "probes",
    "failed": "failed",
    "checkpoints": "checkpoints",
    "logs": "logs",
}
FOLDERS = ("control/ack", "rollouts", "evaluations", "probes", "failed", "checkpoints", "logs")


def check_name(name: str) -> str:
    """A name fit for a folder, or an error that says which characters are."""
    if not NAME.fullmatch(name) or len(name) > 100:
        raise ValueError(
            f"{name!r} is no name for a run: use letters, digits, '.', '_' and '-', "
            "a letter or digit first, at most 100 in all"
        )
    return name


def new_directory(runs: str | Path, name: str) -> RunDirectory:
    """A fresh run directory called `name`, or `name-2`, `name-3` ... where that is taken.

    `mkdir` decides, so two launches at the same moment never share a folder.
    """
    check_name(name)
    for number in range(1, 100_000):
        path = Path(runs) / (name if number == 1 else f"{name}-{number}")
        try:
            return RunDirectory(path).create()
        except FileExistsError:
            continue
        except OSError as error:
            if is_full(error):
                raise
            raise ValueError(f"{path}: no run can be written there ({error.strerror}); give another folder") from None
    raise ValueError(f"{runs} holds 99,999 runs called {name!r}; choose another name")


def temporary(path: Path) -> Path:
    """The name under which `path` is written before it is renamed."""
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


@contextmanager
def replacing(path: Path, *, sync: bool = False) -> Iterator[Path]:
    """Gives a temporary path to write, then renames it to `path`; on an error nothing is left behind.

    `sync` asks the disk itself to have it: a killed process never needs that, a power cut may.
    """
    draft = temporary(path)
    draft.unlink(missing_ok=True)  # of a process that was killed; or a link, which would be followed
    try:
        yield draft
        if sync:
            with draft.open("rb") as file:
                os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def write_atomic(path: Path, data: str | bytes, *, sync: bool = False) -> None:
    """Writes a whole file, or leaves the old one."""
    content = data.encode() if isinstance(data, str) else data
    with room(path.parent, len(content)), replacing(path, sync=sync) as draft:
        draft.write_bytes(content)


def write_json(path: Path, value: Any, *, sync: bool = False) -> None:
    """Writes a JSON file whole, readable by people."""
    write_atomic(path, encode_json(value), sync=sync)


def encode_json(value: Any) -> bytes:
    """A value as the text of a JSON file."""
    return (json.dumps(plain(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def read_json(path: Path) -> Any:
    """The content of a JSON file; None where it is missing, cannot be read or holds no JSON.

    `documents.read_document` says which of these, and looks at the types as well.
    """
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None


def overwrite(path: Path, content: bytes) -> None:
    """Writes over a file in place, in the space that it has already: for the last words on a full disk."""
    with path.open("r+b") as file:
        file.write(content)
        file.truncate()


def plain(value: Any) -> Any:
    """Data as strict JSON has it: NumPy scalars as numbers, paths as text, a missing number (nan, inf) as null.

    >>> plain({"kl": float("nan"), "steps": (1, 2)})
    {'kl': None, 'steps': [1, 2]}
    """
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if callable(getattr(value, "item", None)) and getattr(value, "size", 1) == 1:
        return plain(value.item())
    raise ValueError(f"{value!r} ({type(value).__name__}) cannot stand in a JSON file; give numbers, texts or lists")


@contextmanager
def room(path: Path, need: int) -> Iterator[None]:
    """Turns the many ways in which libraries report a full disk into one DiskFullError about `path`."""
    try:
        yield
    except Exception as error:
        if isinstance(error, DiskFullError) or not is_full(error):
            raise
        raise DiskFullError(errno.ENOSPC, full_message(path, need)) from error


def is_full(error: BaseException) -> bool:
    """Whether an error says that the disk (or the quota) is full; safetensors and torch say it in words only."""
    text = str(error).lower()
    return getattr(error, "errno", None) in FULL or "no space left" in text or "quota exceeded" in text


def full_message(path: Path, need: int) -> str:
    """What is missing, and what to do. `need` is what was last written of the kind: more may have been needed now."""
    free = free_bytes(path)
    known = f", and the next step needs about {need:,}"
    more = ", and the next step needs more, or a quota or a limit on file size is reached"
    return (
        f"{full_words(path, free)}{known if need > free else more}; "
        "make room, then resume the run (all earlier steps are whole)"
    )


def free_bytes(path: Path) -> int:
    """How many bytes may still be written to a folder's file system."""
    return shutil.disk_usage(path).free


def full_words(path: Path, free: int) -> str:
    """That a disk is full, and which.

    >>> full_words(Path("/data"), 512)
    'no space left on device: /data has 512 bytes free'
    """
    return f"no space left on device: {path} has {free:,} bytes free"
