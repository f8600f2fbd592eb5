"""The registry: imports the folders of pieces, methods, tasks, rewards and the like, and the user's own files.

Folders named in the environment variable WORKBENCH_PATH (several, separated as in PATH) are imported like the
project's. A broken file there is reported in `BROKEN` and skipped; in the project's own folders it is an error.
"""

import dataclasses
import hashlib
import importlib
import importlib.util
import os
import pkgutil
import sys
import threading
from pathlib import Path
from types import ModuleType
from typing import Any

from workbench.errors import among
from workbench.method import Method


class NoSuchMethodError(KeyError, ValueError):
    """An unknown key of a method; the message names the known ones."""

    def __str__(self) -> str:
        return str(self.args[0])  # a KeyError's text would be its argument in quotes


class Methods(dict[str, Method]):
    """Methods by key. A missing key raises an error with the known ones; assignment is refused.

    An assigned method would lack its key, would not be tried, and no run could store its source.
    """

    def __missing__(self, key: str) -> Method:
        raise NoSuchMethodError(f"no method is called {key!r}{among(str(key), sorted(self))}")

    def __setitem__(self, key: str, method: Method) -> None:
        raise ValueError(
            f"METHODS[{key!r}] = … registers no method: write register({key!r}, METHOD), from workbench; a file of "
            f"methods says METHODS = {{{key!r}: METHOD}}"
        )


FOLDERS = ("pieces", "environments", "methods", "tasks", "rewards", "cast", "pruning", "exams", "engines.known")
METHODS = Methods()
ENGINES: dict[str, Any] = {}  # by name; entries as `workbench.engines.entry` has them
HOMES: dict[str, str] = {}  # key of a method -> name of the module that defined it
BROKEN: dict[str, str] = {}  # path of a user's file -> its error

_lock = threading.RLock()
_begun = False


def load() -> None:
    """Imports every file of the registry's folders, once.

    A user's file that reads a method during its import finds the project's methods and those of files before it.
    """
    global _begun
    with _lock:
        if _begun:
            return
        _begun = True
        try:
            load_folders()
        except BaseException:
            _begun = False
            raise


def load_folders() -> None:
    """Imports the project's files, then the user's."""
    for folder in FOLDERS:
        package = importlib.import_module(f"workbench.{folder}")
        for item in pkgutil.iter_modules(package.__path__):
            take(importlib.import_module(f"{package.__name__}.{item.name}"))
    for entry in os.environ.get("WORKBENCH_PATH", "").split(os.pathsep):
        for path in sorted(Path(entry).glob("*.py")) if entry else []:
            load_file(path)


def load_file(path: Path) -> None:
    """Imports one user file; an error is noted in `BROKEN`, and the other files are imported."""
    name = f"workbench_user_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        BROKEN[str(path)] = "is not a Python file"
        return
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
        take(module)
    except Exception as error:  # a user's file may raise anything; `workbench methods` shows the error
        del sys.modules[name]
        BROKEN[str(path)] = f"{type(error).__name__}: {error}"
    else:
        BROKEN.pop(str(path), None)


def take(module: ModuleType) -> None:
    """Registers the methods and engines that a module exports."""
    for key, method in exported(module).items():
        enter(key, method, module.__name__)
    ENGINES.update(getattr(module, "ENGINES", {}))


def exported(module: ModuleType) -> dict[str, Method]:
    """A module's own `METHODS`; not the registry's, which a file may import."""
    found: dict[str, Method] = getattr(module, "METHODS", {})
    return {} if found is METHODS else found


def enter(key: str, method: Method, home: str) -> None:
    """Registers a method under a key, with the name of the module that defined it."""
    METHODS.update({key: dataclasses.replace(method, key=key)})
    HOMES[key] = home


def methods() -> dict[str, Method]:
    """Every method by key."""
    load()
    return METHODS


def find_method(key: str) -> Method:
    """A method by key. NoSuchMethodError, a ValueError, for an unknown one."""
    return methods()[key]
