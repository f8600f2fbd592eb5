"""`workbench run`."""

from pathlib import Path
from typing import Annotated

import typer

from workbench.commands.shared.options import RUNS, Follow, Runs, out, print_steps


def run(
    config: Annotated[Path, typer.Argument(metavar="CONFIG.toml", help="what to run")],
    runs: Runs = RUNS,
    seeds: Annotated[int | None, typer.Option(help="run the config under so many seeds, as an experiment")] = None,
    jobs: Annotated[int, typer.Option(help="runs of an experiment side by side")] = 1,
    watch: Follow = False,
) -> None:
    """Start a run in the background."""
    from workbench.runs.launch import launch, warned

    started = launch(config, runs=runs, seeds=seeds, jobs=jobs)
    out.print(f"started {started.path}")
    for text in warned(config):
        out.print(f"warning: {text}", markup=False)
    if watch and seeds is None:
        print_steps(started)
    elif seeds is None:
        out.print(f"watch it with: workbench follow {started.path}")
