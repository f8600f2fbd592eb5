"""Reads the folders whose files are the registry: pieces, methods, tasks, rewards, and the user's own.

Folders named in the environment variable WORKBENCH_PATH (several, separated as PATH is) are read like the
project's. A broken file there is reported in `BROKEN` and left out; in the project's own folders it fails at once.
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

from workbench.errors import among
from workbench.method import Method


class NoSuchMethodError(KeyError, ValueError):
    """A key under which there is no method; the message names those there are."""

    def __str__(self) -> str:
        return str(self.args[0])  # a KeyError's own words would be its argument in quotes


class Methods(dict[str, Method]):
    """Methods by key. A missing key is answered with those there are; none is entered by assignment.

    An assigned one would lack its key, would not be tried, and no run could store where it came from.
    """

    def __missing__(self, key: str) -> Method:
        raise NoSuchMethodError(f"no method is called {key!r}{among(str(key), sorted(self))}")

    def __setitem__(self, key: str, method: Method) -> None:
        raise ValueError(
            f"METHODS[{key!r}] = … enters no method: write register({key!r}, METHOD), from workbench; a file of "
            f"methods says METHODS = {{{key!r}: METHOD}}"
        )


FOLDERS = ("pieces", "methods", "tasks", "rewards", "pruning")
METHODS = Methods()
HOMES: dict[str, str] = {}  # key of a method -> name of the module that defined it
BROKEN: dict[str, str] = {}  # path of a user's file -> what is wrong with it

_lock = threading.RLock()
_begun = False


def load() -> None:
    """Imports every file of the registry's folders, once.

    A user's file that asks for a method while it is imported finds the project's own, and those of files before it.
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
    """Imports one file of a user's; what goes wrong is noted and leaves the rest alone."""
    name = f"workbench_user_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        BROKEN[str(path)] = "is no Python file"
        return
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
        take(module)
    except Exception as error:  # a user's file may fail in any way; `workbench methods` shows what and where
        del sys.modules[name]
        BROKEN[str(path)] = f"{type(error).__name__}: {error}"
    else:
        BROKEN.pop(str(path), None)


def take(module: ModuleType) -> None:
    """Enters the methods a module exports."""
    for key, method in exported(module).items():
        enter(key, method, module.__name__)


def exported(module: ModuleType) -> dict[str, Method]:
    """A module's own `METHODS`; the registry's, where a file imports them, are not the file's."""
    found: dict[str, Method] = getattr(module, "METHODS", {})
    return {} if found is METHODS else found


def enter(key: str, method: Method, home: str) -> None:
    """Enters a method under a key, with the module that defined it."""
    METHODS.update({key: dataclasses.replace(method, key=key)})
    HOMES[key] = home


def methods() -> dict[str, Method]:
    """Every method by key."""
    load()
    return METHODS


def find_method(key: str) -> Method:
    """A method by key; NoSuchMethodError, a ValueError, names those there are."""
    return methods()[key]
