"""`workbench pause`."""

from workbench.commands.shared.control import send
from workbench.commands.shared.options import RUNS, Name, Runs, Wait


def pause(name: Name, runs: Runs = RUNS, wait: Wait = 10.0) -> None:
    """Pause a run after the current step."""
    send(name, runs, "pause", wait)
