"""What the registry knows of an engine, without loading it."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from workbench.types import Capabilities, Engine


@dataclass(frozen=True)
class Entry:
    """An engine by name. `maker` is called as `maker(policy, concurrent=…)`; a text names it as "module:name".

    With a text neither the module nor what it imports is loaded before an engine is made.
    """

    maker: str | Callable[..., Engine]
    capabilities: Capabilities  # the same as on the class
    rows: bool = False  # whether it keeps rows and takes a binder
    options: bool = False  # whether it has its own settings, in a table of `rollouts` with its name
    agrees: bool = True  # whether it is compared with the trainer when it is made: cheap only in this process
    check: Callable[[], None] = lambda: None  # raises ValueError where a package is not installed

    def load(self) -> Callable[..., Any]:
        """What makes it."""
        if not isinstance(self.maker, str):
            return self.maker
        module, _, name = self.maker.partition(":")
        found: Callable[..., Any] = getattr(importlib.import_module(module), name)
        return found
