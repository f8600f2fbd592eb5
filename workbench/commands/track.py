"""`workbench track`."""

import shlex
from typing import Annotated

import typer

from workbench.commands.shared.options import RUNS, Name, Runs, out


def track(
    name: Name,
    to: Annotated[list[str], typer.Option("--to", help="tensorboard, wandb, mlflow or trackio; may be repeated")],
    runs: Runs = RUNS,
    follow: Annotated[bool, typer.Option(help="continue until the run ends")] = True,
) -> None:
    """Export a run's metrics to an experiment tracker, while it trains or afterwards."""
    from workbench.runs.exchange.trackers import checked, tensorboard_folder
    from workbench.runs.exchange.trackers import track as hand_on
    from workbench.runs.summary import find_run

    run = find_run(name, runs)
    if "tensorboard" in checked(to):
        place = shlex.quote(str(tensorboard_folder(run)))
        out.print(f"look at it with TensorBoard (pip install tensorboard): tensorboard --logdir {place}", markup=False)
    count = hand_on(run, to, follow=follow)
    out.print(f"{count} steps of {run.title} exported to {', '.join(to)}", markup=False)
