"""Follows a journal of a run, `ledger.jsonl` or `problems.jsonl`, while it grows."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from workbench.runs.directory.lines import LineReader

Line = dict[str, Any]
MARK = 64  # bytes


class Journal:
    """Hands on each line once. A resumed run cuts its journals: `clear` is called, and all of it is handed on again."""

    def __init__(self, path: Path, take: Callable[[Line], None], clear: Callable[[], None]) -> None:
        self.path, self.take, self.clear = path, take, clear
        self.reader, self.events = LineReader(path), LineReader(path.with_name("events.jsonl"))
        self.end = b""  # of what was read: other bytes there mean that the file was cut meanwhile

    def look(self) -> list[str]:
        """Reads what came since the last look; answers notes on lines that could not be read."""
        resumed = any(event.get("kind") == "resumed" for event in self.events.new())
        if self.reader.offset and (resumed or self.before(self.reader.offset) != self.end):
            self.restart()
        for line in self.reader.new():
            self.take(line)
        self.end = self.before(self.reader.offset)
        return self.reader.skipped

    def before(self, offset: int) -> bytes:
        """The last bytes before a place of the file: the checksum of a line is among them."""
        if not self.path.is_file():
            return b""
        with self.path.open("rb") as file:
            file.seek(max(0, offset - MARK))
            return file.read(min(MARK, offset))

    def restart(self) -> None:
        """Everything is read again."""
        self.reader = LineReader(self.path)
        self.clear()
