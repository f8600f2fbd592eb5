"""`workbench watch`."""

import time
from pathlib import Path
from typing import Annotated

import typer

from workbench.commands.shared.options import RUNS, Runs, out


def watch(
    source: Annotated[Path, typer.Argument(help="where TRL, verl, prime-rl, verifiers, miles or trackio is writing")],
    runs: Runs = RUNS,
    name: Annotated[str | None, typer.Option(help="name of the run; the folder's if left out")] = None,
    tokenizer: Annotated[
        str | None, typer.Option(help="folder or Hub name; without one, views must be opened again to show new words")
    ] = None,
    rewards: Annotated[
        str | None, typer.Option(metavar="NAME,NAME=WEIGHT", help="reward columns of TRL, where unclear")
    ] = None,
    run: Annotated[str | None, typer.Option(help="which run of a trackio database")] = None,
) -> None:
    """Follow another trainer's rollouts as a run that grows while it is still writing, until Ctrl-C."""
    from workbench.commands.import_ import weights
    from workbench.runs.exchange.foreign import Options
    from workbench.runs.exchange.watch import POLL
    from workbench.runs.exchange.watch import watch as begin

    options, told = Options(None if rewards is None else weights(rewards), run), set[str]()
    watching = begin(source, runs, name, tokenizer, options)
    out.print(f"{watching.run.path} follows {source}; Ctrl-C ends it, and the run stays", markup=False)
    try:
        while True:
            for step in watching.look():
                out.print(f"step {step}: {len(watching.last[step])} rollouts", markup=False)
            for note in watching.notes:
                if note not in told:
                    out.print(f"note: {note}", markup=False)
            told.update(watching.notes)
            time.sleep(POLL)
    finally:
        watching.close()
