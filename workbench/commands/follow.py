"""`workbench follow`."""

from workbench.commands.shared.options import RUNS, Name, Runs, found, print_steps


def follow(name: Name, runs: Runs = RUNS) -> None:
    """Print every step of a run until it ends; Ctrl-C detaches, and training continues."""
    print_steps(found(name, runs))
