"""Append-only files of one JSON object a line. A line counts once its line break is there; a torn one does not.

Each line ends with a checksum of what stands before it, so a line that changed on the disk is not taken for a result.
Lines without one, of earlier versions or of other programs, are read as they are.
"""

import json
import os
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from workbench.runs.directory.aliases import current_names
from workbench.runs.directory.documents import LINES
from workbench.runs.directory.links import unshare
from workbench.runs.directory.paths import plain, room

CHECKSUM = b', "crc": '
SEALED = re.compile(rb".{%d}([0-9]{1,10})\}\s*$" % len(CHECKSUM), re.DOTALL)  # a number where a checksum's would stand


def encode(value: Mapping[str, Any]) -> bytes:
    """One line of strict JSON."""
    return (json.dumps(plain(value), ensure_ascii=False, allow_nan=False) + "\n").encode()


def seal(value: Mapping[str, Any]) -> bytes:
    """The same with a CRC-32 of the line before it as the last field.

    >>> seal({"step": 1})
    b'{"step": 1, "crc": 1034584890}\\n'
    """
    body = encode(value)[:-2]
    return body + CHECKSUM + b"%d}\n" % zlib.crc32(body)


def intact(line: bytes) -> bool:
    """Whether a line is as it was written; one without a checksum is taken to be.

    Where the word before the checksum changed, the number still is the line's own.

    >>> line = seal({"step": 1})
    >>> intact(line), intact(line.replace(b"1", b"2", 1)), intact(line.replace(b"crc", b"grc")), intact(b'{"step": 1}')
    (True, False, False, True)
    """
    body, found, number = line.rpartition(CHECKSUM)
    if found:
        return number.strip() == b"%d}" % zlib.crc32(body)
    other = SEALED.search(line)
    return other is None or int(other[1]) != zlib.crc32(line[: other.start()])


class LineWriter:
    """The one writer of such a file. A torn last line is cut off when it opens."""

    def __init__(self, path: Path) -> None:
        self.path = path
        unshare(path)
        number = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        self.file = os.fdopen(number, "ab", buffering=0)
        self.cut = self.cut_torn_line()

    def cut_torn_line(self) -> int:
        """Removes what stands after the last line break; answers how many bytes that was."""
        content = self.path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            os.ftruncate(self.file.fileno(), whole)
        return len(content) - whole

    def write(self, value: Mapping[str, Any]) -> None:
        """Appends a line; on a full disk the file is as before."""
        line = seal(value)
        before = os.fstat(self.file.fileno()).st_size
        with room(self.path.parent, len(line)):
            try:
                written = 0
                while written < len(line):
                    written += self.file.write(line[written:]) or 0
            except OSError:
                os.ftruncate(self.file.fileno(), before)
                raise

    def close(self) -> None:
        """Closes the file."""
        self.file.close()


class LineReader:
    """Reads such a file while it is written, from where it stopped the last time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.offset = 0
        self.skipped: list[str] = []
        self.shape = LINES.get(path.name)

    def new(self) -> list[dict[str, Any]]:
        """The whole lines since the last call; one that is broken is skipped with a note."""
        try:
            with self.path.open("rb") as file:
                file.seek(self.offset)
                content = file.read()
        except FileNotFoundError:
            return []
        except OSError as error:
            self.note(f"{self.path.name} cannot be read ({error.strerror}): put back the file as it was")
            return []
        whole = content.rfind(b"\n") + 1
        start, self.offset = self.offset, self.offset + whole
        return [value for value in map(self.decode, places(content[:whole], start)) if value is not None]

    def torn(self) -> int:
        """How many bytes stand after the last whole line read."""
        return max(0, self.path.stat().st_size - self.offset) if self.path.is_file() else 0

    def decode(self, place: tuple[int, bytes]) -> dict[str, Any] | None:
        """A line's object; None, and a note, if it holds none, or another one than was written."""
        start, line = place
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            value = None
        wrong = "is no JSON object"
        if isinstance(value, dict):
            wrong = "" if intact(line) else "was changed after it was written: its checksum is of other text"
            wrong = wrong or (self.shape.error(value) if self.shape else "")
            value.pop("crc", None)
        if not wrong:
            return current_names(value)
        self.note(f"{self.path.name}: the line at byte {start} {wrong}; skipped")
        return None

    def note(self, text: str) -> None:
        """Keeps a note on what could not be read, once."""
        if text not in self.skipped:
            self.skipped.append(text)


def places(content: bytes, start: int) -> Iterable[tuple[int, bytes]]:
    """Each line that is not empty, with its place in the file."""
    for line in content.splitlines(keepends=True):
        if line.strip():
            yield start, line
        start += len(line)


def read_lines(path: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """Every whole line of a file, and notes on what was skipped."""
    reader = LineReader(path)
    lines = reader.new()
    if torn := reader.torn():
        reader.skipped.append(f"{path.name}: the last line is torn ({torn} bytes); skipped")
    return lines, reader.skipped


def newest_first(path: Path, block: int = 65536) -> Iterator[tuple[int, bytes]]:
    """Every whole line of a file with its place, from the last one back; no more is read than is asked for."""
    try:
        file = path.open("rb")
    except OSError:
        return
    with file:
        start, rest = file.seek(0, os.SEEK_END), b""
        torn = True  # what stands after the last line break is no line
        while start > 0:
            size = min(block, start)
            start -= size
            file.seek(start)
            parts = (file.read(size) + rest).split(b"\n")
            rest = parts[0]
            end = start + len(rest) + sum(len(part) + 1 for part in parts[1:])
            for part in reversed(parts[1:]):
                end -= len(part)
                if part.strip() and not torn:
                    yield end, part
                torn = False
                end -= 1
        if rest.strip() and not torn:
            yield 0, rest


def current(lines: Iterable[Mapping[str, Any]], restarts: Mapping[int, int]) -> dict[int, dict[str, Any]]:
    """The line that counts for each step, in the order of the steps.

    `restarts` gives for an attempt the step it went on from: what earlier attempts wrote after that step was
    given up. Of several lines of one step that of the highest attempt counts.

    >>> lines = [{"attempt": 1, "step": 1}, {"attempt": 1, "step": 2}, {"attempt": 2, "step": 1}]
    >>> current(lines, {2: 0})
    {1: {'attempt': 2, 'step': 1}}
    """
    chosen: dict[int, dict[str, Any]] = {}
    for line in lines:
        step, attempt = line.get("step"), line.get("attempt", 1)
        if not isinstance(step, int) or not isinstance(attempt, int):
            continue
        if any(later > attempt and start < step for later, start in restarts.items()):
            continue
        if step not in chosen or attempt >= chosen[step].get("attempt", 1):
            chosen[step] = dict(line)
    return dict(sorted(chosen.items()))


def restarts_in(events: Iterable[Mapping[str, Any]]) -> dict[int, int]:
    """For every attempt that went on from a checkpoint, that checkpoint's step."""
    resumed = [(event.get("attempt"), event.get("step")) for event in events if event.get("kind") == "resumed"]
    return {attempt: step for attempt, step in resumed if isinstance(attempt, int) and isinstance(step, int)}


def spans(numbers: Sequence[int]) -> str:
    """Numbers in few words.

    >>> spans([1, 2, 3, 7])
    '1-3, 7'
    """
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and number == parts[-1][-1] + 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return ", ".join(str(part[0]) if len(part) == 1 else f"{part[0]}-{part[-1]}" for part in parts) or "none"


def columns_in(lines: Sequence[dict[str, Any]], first: Sequence[str]) -> list[str]:
    """Every name in the lines, the `first` ones ahead."""
    return list(dict.fromkeys([*first, *(name for line in lines for name in line)]))
