"""Commands to a trainer: sent at once, applied at the next step boundary."""

from pathlib import Path
from typing import Any

import typer

from workbench.commands.shared.options import found, out


def send(name: str, runs: Path, command: str, wait: float, **values: Any) -> Any:
    """Sends a command to a run's trainer, prints its reply, and returns the run.

    Exit code 1 where nothing was done, since the run is so already.
    """
    run = found(name, runs)
    try:
        reply = getattr(run, command)(wait=wait, **values)
    except TimeoutError:
        out.print(f"{run.title}: {command} is queued; it takes effect when the current step is done", markup=False)
    else:
        out.print(f"{run.title}: {reply['text'] or command + ' is queued'}", markup=False)
        if reply["result"] == "unchanged":
            raise typer.Exit(1)
    return run
