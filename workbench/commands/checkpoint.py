"""`workbench checkpoint`."""

from workbench.commands.shared.control import send
from workbench.commands.shared.options import RUNS, Name, Runs, Wait


def checkpoint(name: Name, runs: Runs = RUNS, wait: Wait = 10.0) -> None:
    """Keep a checkpoint of a run's present state."""
    send(name, runs, "checkpoint", wait)
