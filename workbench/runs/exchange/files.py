"""Reads files that another program wrote, may have been killed while it wrote, or may be writing still."""

import gzip
import io
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet

TAIL = 64  # bytes before the place where reading stopped, by which a file that grew is told from one written anew

Row = dict[str, Any]
Convert = Callable[[Row, str], Any]  # a row and its place, for messages


@dataclass
class Kept:
    """What was read of a file: `values` of its whole lines, or of its table, and where reading stopped."""

    stamp: tuple[int, ...]
    values: list[Any] = field(default_factory=list)
    offset: int = 0
    lines: int = 0
    tail: bytes = b""
    torn: bool = False  # whether more stood behind the last whole line


@dataclass
class Files:
    """What was read so far. `following`: the files grow, what did not change is not read again.

    Then a file that is half written is left out with a note, where it is an error otherwise.
    """

    following: bool = False
    notes: list[str] = field(default_factory=list)
    known: dict[Path, Kept] = field(default_factory=dict)
    made: dict[str, tuple[Any, Any]] = field(default_factory=dict)

    def lines(self, path: Path, convert: Convert) -> list[Any]:
        """What `convert` makes of every object of a file of JSON lines.

        Lines end at line feeds alone: U+2028 may stand within one. A last line without its end that is no object is
        left out and noted. ValueError names the file and any other line that is no object, or what cannot be unpacked.
        """
        try:
            return self.new_lines(path, convert)
        except (OSError, EOFError, zlib.error, pyarrow.ArrowException) as error:
            first = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise ValueError(f"{path} cannot be read ({first}): half written, or broken; copy it again") from None

    def new_lines(self, path: Path, convert: Convert) -> list[Any]:
        """The same; of a file that is known, only what is new is read."""
        stamp, kept = stamp_of(path), self.known.get(path) if self.following else None
        if kept is not None and kept.stamp == stamp and not kept.torn:
            return list(kept.values)
        found, last, torn = kept or Kept(stamp), list[Any](), False
        with opened(path) as file:
            if kept is None or not continues(file, kept, stamp):
                file.seek(0)
                found = Kept(stamp)
            for line in file:
                number, whole = found.lines + 1, line.endswith(b"\n")
                row = decoded(line)
                if row is None and line.strip(b" \t\r\n\0"):
                    if whole:
                        raise ValueError(
                            f"{path}, line {number}: no JSON object; remove the line, or copy the file again"
                        )
                    self.notes.append(self.half(path, number))
                values = [] if row is None else [convert(row, f"{path}, line {number}")]
                if whole:
                    found.values += values
                    found.offset, found.lines = found.offset + len(line), number
                    found.tail = (found.tail + line)[-TAIL:]
                else:
                    last, torn = values, True
        found.stamp, found.torn = stamp, torn
        if self.following:
            self.known[path] = found
        return found.values + last

    def once(self, key: str, stamp: Any, make: Callable[[], Any]) -> Any:
        """What `make` gives; while following, made again only where the stamp is another one than the last time."""
        known = self.made.get(key)
        if known is None or known[0] != stamp:
            known = stamp, make()
        if self.following:
            self.made[key] = known
        return known[1]

    def half(self, path: Path, number: int) -> str:
        """What is said of a last line that is half written."""
        if self.following:
            return f"{path.name}: its last line is not whole yet"
        return f"{path.name}, line {number}: the last line is torn and is left out"

    def table(self, path: Path) -> list[Row]:
        """The rows of a parquet file; none, with a note, of one that cannot be read yet. ValueError otherwise."""
        stamp, kept = stamp_of(path), self.known.get(path) if self.following else None
        if kept is not None and kept.stamp == stamp:
            return kept.values
        try:
            rows: list[Row] = pyarrow.parquet.read_table(path).to_pylist()
        except (OSError, pyarrow.ArrowException) as error:
            first = str(error).splitlines()[0]
            if not self.following:
                raise ValueError(f"{path} cannot be read ({first}); remove it, or copy it again") from None
            self.notes.append(f"{path.name} cannot be read yet: it is half written, or broken")
            return []
        if self.following:
            self.known[path] = Kept(stamp, rows)
        return rows


def decoded(line: bytes) -> Row | None:
    """The object of a line; None where it holds none."""
    try:
        row = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None


def stamp_of(path: Path) -> tuple[int, ...]:
    """What changes when a file does."""
    found = path.stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def continues(file: Any, kept: Kept, stamp: tuple[int, ...]) -> bool:
    """Whether a file goes on where reading stopped, and is now at that place; not one that was written anew."""
    if kept.stamp[:2] != stamp[:2]:
        return False
    file.seek(kept.offset - len(kept.tail))
    return bool(file.read(len(kept.tail)) == kept.tail)


def opened(path: Path) -> Any:
    """A file, unpacked by its name: .gz, or .zst, of which several frames may stand one after the other."""
    if path.suffix == ".gz":
        return gzip.open(path)
    if path.suffix == ".zst":
        return io.BytesIO(pyarrow.input_stream(str(path), compression="zstd").read())
    return path.open("rb")


def placed(row: Row, place: str) -> tuple[str, Row]:
    """A row with its place, for `Files.lines`."""
    return place, row
