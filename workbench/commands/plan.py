"""`workbench plan`."""

from pathlib import Path
from typing import Annotated

import typer

from workbench.commands.shared.options import AsJson, print_json
from workbench.runs.process.measure import SECONDS


def plan(
    config: Annotated[Path, typer.Argument(metavar="CONFIG.toml", help="what to run")],
    memory: Annotated[
        float | None, typer.Option(metavar="GIB", help="GiB free; asked of the device if left out")
    ] = None,
    prompt: Annotated[int, typer.Option(min=1, help="tokens of a prompt, where it matters at most")] = 256,
    timed: Annotated[
        bool, typer.Option("--measure", help="load the model and measure a few short steps on this machine")
    ] = False,
    seconds: Annotated[float, typer.Option(help="seconds that --measure takes, about")] = SECONDS,
    probed: Annotated[bool, typer.Option("--probe", hidden=True, help="the old name of --measure")] = False,
    as_json: AsJson = False,
) -> None:
    """Say whether a run fits into memory, what would make it fit, what it writes, and with --measure how long it takes.

    Without --measure no model is loaded. Ends with code 1 where the run does not fit.
    """
    from workbench.config import RunConfig
    from workbench.planning.forecast import forecast
    from workbench.planning.memory import GIB, Assumed
    from workbench.runs.process.build import lengths
    from workbench.runs.process.measure import measure

    if memory is not None and not memory > 0:
        raise ValueError(f"--memory {memory}: give the free memory in GiB, above 0")
    asked, timed = RunConfig.load(config), timed or probed
    for problem in lengths(asked):
        raise ValueError(problem)
    found = forecast(asked, None if memory is None else int(memory * GIB), Assumed(prompt=prompt))
    fits = found.fit != "does not fit"
    if not as_json:
        typer.echo("\n".join(found.describe()))
    timing = measure(asked, seconds) if timed and fits else None
    if as_json:
        print_json({**found.to_dict(), "time": timing.to_dict() if timing else None})
    elif timed:
        typer.echo("\n".join(timing.describe() if timing else ["time: not measured, since the run does not fit"]))
    if not fits:
        raise typer.Exit(1)
