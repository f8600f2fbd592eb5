"""The `workbench` command. Each command is a file in `workbench/commands/`, imported when it is asked for."""

import sys

import typer

from workbench.commands.shared.options import err
from workbench.commands.shared.plugins import Commands
from workbench.commands.shared.terminal import guard_errors

app = typer.Typer(
    cls=Commands,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Reinforcement learning with verifiable rewards, seen token by token.",
)


@app.callback()
def workbench() -> None:
    """Reinforcement learning with verifiable rewards, seen token by token."""


def main() -> None:
    """Runs the command line; a user's error is one message and exit code 2."""
    from workbench.runs.directory.paths import DiskFullError

    guard_errors()
    try:
        app()
    except KeyboardInterrupt:
        err.print("detached; a run that was started continues in the background")
        sys.exit(130)
    except (ValueError, TimeoutError, DiskFullError) as error:
        err.print("[red]workbench:[/] ", end="")
        err.print(str(error), markup=False)
        sys.exit(2)
