"""The one place where texts leave for a terminal: no sign of theirs reaches it that it would obey."""

import sys
import traceback
from collections.abc import Iterable
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.segment import Segment

from workbench.visible import visible


class Terminal(Console):
    """A console that writes out control characters and direction marks; its own colours and movements it sends."""

    def __init__(self, **options: Any) -> None:
        super().__init__(highlight=False, soft_wrap=True, **options)

    def render(self, renderable: Any, options: Any = None) -> Iterable[Segment]:
        """The segments of anything that can be printed."""
        for segment in super().render(renderable, options):
            text, style, control = segment
            yield segment if control else Segment(visible(text), style)


out, err = Terminal(), Terminal(stderr=True)


def write_line(text: str) -> None:
    """A line on stdout without rich, which takes seconds for ten thousand of them."""
    sys.stdout.write(visible(text) + "\n")


def print_traceback(kind: type[BaseException], error: BaseException, place: TracebackType | None) -> None:
    """An error that nobody caught, on stderr; its message may hold a model's text. Stands as `sys.excepthook`."""
    err.print("".join(traceback.format_exception(kind, error, place)), markup=False, end="")


def guard_errors() -> None:
    """Has errors that nobody catches printed here."""
    sys.excepthook = print_traceback
