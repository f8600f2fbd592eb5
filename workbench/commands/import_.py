"""`workbench import`."""

from pathlib import Path
from typing import Annotated

import typer

from workbench.commands.shared.options import RUNS, Runs, out


def import_(
    source: Annotated[Path, typer.Argument(help="what TRL, verl, prime-rl, verifiers, miles or trackio wrote")],
    runs: Runs = RUNS,
    name: Annotated[str | None, typer.Option(help="name of the run; the folder's if left out")] = None,
    tokenizer: Annotated[
        str | None, typer.Option(help="folder or Hub name; without one, texts are cut into words")
    ] = None,
    rewards: Annotated[
        str | None,
        typer.Option(metavar="NAME,NAME=WEIGHT", help="reward columns of TRL, where unclear"),
    ] = None,
    run: Annotated[str | None, typer.Option(help="which run of a trackio database")] = None,
) -> None:
    """Make a read-only run of rollouts that another trainer recorded."""
    from workbench.runs.exchange.find import import_run
    from workbench.runs.exchange.foreign import Options
    from workbench.runs.open import spans

    options = Options(None if rewards is None else weights(rewards), run)
    found = import_run(source, runs, name, tokenizer, options)
    out.print(f"{found.path}: step {spans(found.steps())}, read-only", markup=False)
    for note in dict.fromkeys(options.notes):
        out.print(f"note: {note}", markup=False)


def weights(text: str) -> dict[str, float]:
    """Columns with their weights.

    >>> weights("exact,style=0.5")
    {'exact': 1.0, 'style': 0.5}
    """
    found = {}
    for part in text.split(","):
        name, _, weight = part.strip().rpartition("=") if "=" in part else (part.strip(), "", "1")
        try:
            found[name] = float(weight)
        except ValueError:
            raise ValueError(f"--rewards {part}: {weight!r} is no weight; write NAME or NAME=0.5") from None
    return found
