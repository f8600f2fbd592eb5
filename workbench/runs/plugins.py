"""Commands that other packages bring to the command line; they are loaded when they are asked for."""

from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import typer
from typer.core import TyperGroup

PLUGINS = "workbench.commands"  # entry points of this group are commands as well


def plugins() -> dict[str, EntryPoint]:
    """Commands that other packages bring, by name."""
    return {entry.name: entry for entry in entry_points(group=PLUGINS)}


class Commands(TyperGroup):
    """The commands of this file and those of other packages, which are loaded when they are asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Every command by name."""
        return [*super().list_commands(ctx), *sorted(plugins().keys() - self.commands.keys())]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A command by name; None if there is none."""
        found = super().get_command(ctx, cmd_name)
        if found is None and cmd_name in plugins():
            single = typer.Typer(add_completion=False)
            single.command(cmd_name)(loaded(plugins()[cmd_name]))
            found = typer.main.get_command(single)
        return found


def loaded(entry: EntryPoint) -> Callable[..., Any]:
    """The function of a command from elsewhere; one that does not import becomes a command that says so."""
    try:
        return entry.load()  # type: ignore[no-any-return]
    except ImportError as error:
        text = f"{entry.name} ({entry.value}) does not import: {error}; reinstall the package that brings it"

    def broken() -> None:
        raise ValueError(text)

    broken.__doc__ = f"Broken: {text}"
    return broken
