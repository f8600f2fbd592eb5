"""The commands there are: the project's own, a file each in `workbench/commands/`, and those other packages bring."""

import importlib
import pkgutil
import tomllib
from collections.abc import Callable
from functools import cache
from importlib.metadata import EntryPoint, PackageNotFoundError, distribution, entry_points
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup

import workbench.commands

GROUP = "workbench.commands"  # an entry point of this group is a command


@cache
def own() -> dict[str, str]:
    """Command name -> module of every file in `workbench/commands/`; a trailing underscore is not part of the name.

    Another underscore is a hyphen there.

    >>> own()["try"], own()["ls"]
    ('workbench.commands.try_', 'workbench.commands.ls')
    """
    files = [item.name for item in pkgutil.iter_modules(workbench.commands.__path__) if not item.ispkg]
    return {name.rstrip("_").replace("_", "-"): f"{GROUP}.{name}" for name in files}


def plugins() -> dict[str, EntryPoint]:
    """Commands that other packages bring, by name; in a checkout that is not installed, those pyproject.toml lists."""
    found = {entry.name: entry for entry in entry_points(group=GROUP)}
    return {**checkout(), **found} if not installed() else found


def installed() -> bool:
    """Whether the distribution's metadata can be read."""
    try:
        distribution("rlvr-workbench")
    except PackageNotFoundError:
        return False
    return True


def checkout() -> dict[str, EntryPoint]:
    """The entry points in the pyproject.toml beside the package; none where there is no such file."""
    file = Path(__file__).parents[1] / "pyproject.toml"
    if not file.is_file():
        return {}
    listed = tomllib.loads(file.read_text(encoding="utf-8"))["project"]["entry-points"][GROUP]
    return {name: EntryPoint(name, value, GROUP) for name, value in listed.items()}


def loaded(name: str) -> Callable[..., Any]:
    """The function of a command; one that cannot be imported is replaced by a function that raises and says why."""
    if name in own():
        function: Callable[..., Any] = getattr(importlib.import_module(own()[name]), own()[name].rpartition(".")[2])
        return function
    entry = plugins()[name]
    try:
        return entry.load()  # type: ignore[no-any-return]
    except (ImportError, AttributeError) as error:
        text = f"{entry.name} ({entry.value}) cannot be imported: {error}; reinstall the package that brings it"

    def broken() -> None:
        raise ValueError(text)

    broken.__doc__ = f"Broken: {text}"
    return broken


class Commands(TyperGroup):
    """The command line's group: a command is imported when it is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Every command by name."""
        return sorted({*own(), *plugins()})

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A command by name; None if there is none."""
        if cmd_name not in own() and cmd_name not in plugins():
            return None
        single = typer.Typer(add_completion=False)
        single.command(cmd_name)(loaded(cmd_name))
        return typer.main.get_command(single)
