"""`workbench signals`."""

from typing import Annotated

import typer

from workbench.commands.shared.options import RUNS, AsJson, Name, Runs, numbers, out, print_json


def signals(
    name: Name,
    add: Annotated[
        list[str] | None, typer.Option("--add", metavar="SIGNAL", help="read it again from kept models; repeatable")
    ] = None,
    steps: Annotated[str | None, typer.Option(help="steps, as in 1,4-6; all that lack it if left out")] = None,
    runs: Runs = RUNS,
    as_json: AsJson = False,
) -> None:
    """List the signals that a run recorded, or add some that it did not, where that is exact."""
    from workbench.runs.checkpoints.rescore import add_signal, signals_in
    from workbench.runs.open import spans
    from workbench.runs.summary import find_run

    run = find_run(name, runs)
    chosen = None if steps is None else numbers(steps)
    added = {signal: add_signal(run, signal, chosen) for signal in add or []}
    found = signals_in(run)
    if as_json:
        print_json({"run": str(run.path), "signals": found, "added": added})
        return
    for signal, given in added.items():
        out.print(f"{signal}: added to step {spans(given)}" if given else f"{signal}: on record already", markup=False)
    for signal, has in found.items() if not added else ():
        out.print(f"{signal:18}step {spans(has)}", markup=False)
