"""Append-only files of one JSON object a line. A line counts once its line break is there; a torn one does not."""

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from workbench.runs.directory.aliases import current_names
from workbench.runs.directory.paths import plain, room


def encode(value: Mapping[str, Any]) -> bytes:
    """One line of strict JSON."""
    return (json.dumps(plain(value), ensure_ascii=False, allow_nan=False) + "\n").encode()


class LineWriter:
    """The one writer of such a file. A torn last line is cut off when it opens."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = path.open("ab", buffering=0)
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
        line = encode(value)
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
        self.passed_over: list[str] = []

    def new(self) -> list[dict[str, Any]]:
        """The whole lines since the last call; what is no JSON object is passed over with a note."""
        try:
            with self.path.open("rb") as file:
                file.seek(self.offset)
                content = file.read()
        except FileNotFoundError:
            return []
        whole = content.rfind(b"\n") + 1
        start, self.offset = self.offset, self.offset + whole
        return [value for value in map(self.decode, places(content[:whole], start)) if value is not None]

    def torn(self) -> int:
        """How many bytes stand after the last whole line read."""
        return max(0, self.path.stat().st_size - self.offset) if self.path.exists() else 0

    def decode(self, place: tuple[int, bytes]) -> dict[str, Any] | None:
        """A line's object; None, and a note, if it holds none."""
        start, line = place
        try:
            value = json.loads(line)
        except ValueError:
            value = None
        if isinstance(value, dict):
            return current_names(value)
        self.passed_over.append(f"{self.path.name}: the line at byte {start} is no JSON object; passed over")
        return None


def places(content: bytes, start: int) -> Iterable[tuple[int, bytes]]:
    """Each line that is not empty, with its place in the file."""
    for line in content.splitlines(keepends=True):
        if line.strip():
            yield start, line
        start += len(line)


def read_lines(path: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """Every whole line of a file, and notes on what was passed over."""
    reader = LineReader(path)
    lines = reader.new()
    if torn := reader.torn():
        reader.passed_over.append(f"{path.name}: the last line is torn ({torn} bytes); passed over")
    return lines, reader.passed_over


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
