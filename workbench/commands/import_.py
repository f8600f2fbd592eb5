"""`workbench import`."""

from pathlib import Path
from typing import Annotated

import typer

from workbench.commands.shared.options import RUNS, Runs


def import_(
    source: Annotated[Path, typer.Argument(help="folder that TRL, verl or prime-rl wrote its rollouts to")],
    runs: Runs = RUNS,
    name: Annotated[str | None, typer.Option(help="name of the run; the folder's if left out")] = None,
    tokenizer: Annotated[
        str | None, typer.Option(help="folder or Hub name; without one, texts are cut into words")
    ] = None,
) -> None:
    """Make a read-only run of rollouts that another trainer recorded."""
    from workbench.runs.exchange.find import import_run
    from workbench.runs.open import spans

    run = import_run(source, runs, name, tokenizer)
    typer.echo(f"{run.path}: step {spans(run.steps())}, read-only")
