"""The `track` command, entered into `workbench` through the entry-point group `workbench.commands`."""

from typing import Annotated

import typer

from workbench.commands.options import RUNS, Name, Runs


def track(
    name: Name,
    to: Annotated[list[str], typer.Option("--to", help="tensorboard, wandb, mlflow or trackio; may be repeated")],
    runs: Runs = RUNS,
    follow: Annotated[bool, typer.Option(help="go on until the run ends")] = True,
) -> None:
    """Hand a run's metrics on to an experiment tracker, while it goes on or afterwards."""
    from workbench.runs.summary import find_run
    from workbench.runs.trackers import track as hand_on

    run = find_run(name, runs)
    count = hand_on(run, to, follow=follow)
    typer.echo(f"{count} steps of {run.name} handed on to {', '.join(to)}")
