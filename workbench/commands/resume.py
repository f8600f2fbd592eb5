"""`workbench resume`."""

from typing import Annotated

import typer

from workbench.commands.shared.control import send
from workbench.commands.shared.options import RUNS, Follow, Name, Runs, Wait, print_steps


def resume(
    name: Name,
    runs: Runs = RUNS,
    wait: Wait = 10.0,
    watch: Follow = False,
    take_over: Annotated[
        bool, typer.Option("--take-over", help="also from a trainer on another machine or container that is gone")
    ] = False,
) -> None:
    """Continue a run that is paused, stopped or dead; fails where nothing was done."""
    run = send(name, runs, "resume", wait, **({"take_over": True} if take_over else {}))
    if watch:
        print_steps(run)
