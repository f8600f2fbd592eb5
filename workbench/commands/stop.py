"""`workbench stop`."""

from workbench.commands.shared.control import send
from workbench.commands.shared.options import RUNS, Name, Runs, Wait


def stop(name: Name, runs: Runs = RUNS, wait: Wait = 10.0) -> None:
    """Stop a run after the current step; `resume` continues it."""
    send(name, runs, "stop", wait)
