"""`workbench resume`."""

from workbench.commands.shared.control import send
from workbench.commands.shared.options import RUNS, Follow, Name, Runs, Wait, print_steps


def resume(name: Name, runs: Runs = RUNS, wait: Wait = 10.0, watch: Follow = False) -> None:
    """Continue a run that is paused, stopped or dead."""
    run = send(name, runs, "resume", wait)
    if watch:
        print_steps(run)
