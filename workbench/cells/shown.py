"""What a notebook shows of an error in a cell: the message and the cell's own line, no frame of the library."""

import linecache
import traceback
from collections.abc import Iterator


def chain(error: BaseException) -> Iterator[BaseException]:
    """An error and its causes, the first cause last."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__


def place(error: BaseException) -> str:
    """The last line of a cell that an error or its causes passed through; empty if none did."""
    for each in reversed(list(chain(error))):
        frames = [item for item in traceback.extract_tb(each.__traceback__) if item.filename.startswith("<cell ")]
        if frames:
            line = linecache.getline(frames[-1].filename, frames[-1].lineno or 0).strip()
            return f"line {frames[-1].lineno} of the cell: {line}"
    return ""


def lines(error: BaseException) -> list[str]:
    """What IPython prints in place of a traceback."""
    found = place(error)
    return [f"{type(error).__name__}: {error}", *([f"  at {found}"] if found else [])]
