"""The requests that a view may send to the kernel: one function for each kind, in the `answers.py` of the view's room.

    @answer("board")
    def board(desk: Desk, request: Request) -> bytes: ...

A function returns a payload (`widgets.wire.payload.pack`), or raises ValueError with a message that the view shows.
Every `answers.py` is imported before the first request: what loads torch is imported in the function that needs it.
"""

import functools
import importlib.util
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import widgets

Request = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """How a kind of request is answered. `slow`: it may take seconds, so it runs in a thread."""

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
    """Imports the `answers.py` of every room, once."""
    for room in pkgutil.iter_modules(widgets.__path__):
        name = f"widgets.{room.name}.answers"
        if room.ispkg and room.name != "wire" and importlib.util.find_spec(name):
            importlib.import_module(name)


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
