"""Reads the folders whose files are the registry: pieces, methods, tasks, rewards, and the user's own.

Folders named in the environment variable WORKBENCH_PATH (several, separated as PATH is) are read like the
project's. A broken file there is reported in `BROKEN` and left out; in the project's own folders it fails at once.
"""

import dataclasses
import functools
import hashlib
import importlib
import importlib.util
import os
import pkgutil
import sys
from pathlib import Path
from types import ModuleType

from workbench.method import Method

FOLDERS = ("pieces", "methods", "tasks", "rewards", "pruning")
METHODS: dict[str, Method] = {}
BROKEN: dict[str, str] = {}  # path of a user's file -> what is wrong with it


@functools.cache
def load() -> None:
    """Imports every file of the registry's folders, once."""
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
    for key, method in getattr(module, "METHODS", {}).items():
        METHODS[key] = dataclasses.replace(method, key=key)


def methods() -> dict[str, Method]:
    """Every method by key."""
    load()
    return METHODS


def find_method(key: str) -> Method:
    """A method by key; the error names those there are."""
    if key not in methods():
        raise ValueError(f"no method is called {key!r}; there are: {', '.join(sorted(methods()))}")
    return METHODS[key]
