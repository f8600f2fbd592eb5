"""The protocol of a place where plays run, and how one is found by its name."""

import importlib
import pkgutil
from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from workbench.errors import among
from workbench.runs.directory.lock import Identity
from workbench.runs.directory.paths import RunDirectory
from workbench.runs.sweep import places


@runtime_checkable
class Place(Protocol):
    """Where plays run: a launcher of trainers that knows how many it carries.

    What a play does stands in its run directory, and commands to it go there: a place has to start trainers on
    directories that the queue sees as well. A place is made again from plain data whenever a queue starts.
    """

    def room(self, running: int) -> int:
        """How many plays may be started now, beside those that run; 0: none."""

    def start(self, directory: RunDirectory, attempt: int) -> Identity | None:
        """Starts a trainer on a directory and returns at once, as `Launcher.start`."""


def find_place(options: Mapping[str, Any]) -> Place:
    """The place called `on`, made with the other options by its file's `make`. ValueError for an unknown name."""
    known = sorted(item.name for item in pkgutil.iter_modules(places.__path__))
    name = options.get("on", "local")
    if name not in known:
        raise ValueError(f"sweep.on = {name!r}: no such place{among(str(name), known)}")
    made: Place = importlib.import_module(f"{places.__name__}.{name}").make(options)
    return made
