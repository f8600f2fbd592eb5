"""What a view may ask of the kernel: one function a kind, in the files of this folder; a new file needs no other.

    @answer("board")
    def board(desk: Desk, request: Request) -> bytes: ...

A function answers a payload (`widgets.payload.pack`), or raises ValueError in words that are shown in the view. All
files are imported before the first answer: what brings torch along is imported inside the function that needs it.
"""

import functools
import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from widgets.data import RunData

Request = dict[str, Any]


class Desk(Protocol):
    """Where requests arrive: whoever shows a run."""

    run: Any
    data: RunData
    following: bool


@dataclass(frozen=True)
class Answer:
    """How a kind of request is answered. `slow`: it may take seconds, so a thread does it while others are answered."""

    function: Callable[[Any, Request], bytes]
    slow: bool = False


ANSWERS: dict[str, Answer] = {}


def answer(kind: str, slow: bool = False) -> Callable[[Callable[..., bytes]], Callable[..., bytes]]:
    """Enters a function as the answer to a kind of request."""

    def enter(function: Callable[..., bytes]) -> Callable[..., bytes]:
        ANSWERS[kind] = Answer(function, slow)
        return function

    return enter


@functools.cache
def load() -> None:
    """Imports every file of this folder, once."""
    for item in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{item.name}")


def find(kind: str) -> Answer:
    """How a kind is answered; ValueError where nothing answers it."""
    load()
    if kind not in ANSWERS:
        raise ValueError(f"request {kind!r} is not known; there are {', '.join(sorted(ANSWERS))}")
    return ANSWERS[kind]


def slow(kind: str) -> bool:
    """Whether the answer to a kind may take seconds."""
    load()
    return kind in ANSWERS and ANSWERS[kind].slow
