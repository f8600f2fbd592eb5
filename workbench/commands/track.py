"""The `track` command, entered into `workbench` through the entry-point group `workbench.commands`."""

from pathlib import Path
from typing import Annotated

import typer


def track(
    name: Annotated[str, typer.Argument(metavar="RUN", help="a run's name in the folder of runs, or its path")],
    to: Annotated[list[str], typer.Option("--to", help="tensorboard, wandb, mlflow or trackio; may be repeated")],
    runs: Annotated[Path, typer.Option("--runs", help="folder of the runs")] = Path("runs"),
    follow: Annotated[bool, typer.Option(help="go on until the run ends")] = True,
) -> None:
    """Hand a run's metrics on to an experiment tracker, while it goes on or afterwards."""
    from workbench.runs.summary import find_run
    from workbench.runs.trackers import track as hand_on

    run = find_run(name, runs)
    count = hand_on(run, to, follow=follow)
    typer.echo(f"{count} steps of {run.name} handed on to {', '.join(to)}")
