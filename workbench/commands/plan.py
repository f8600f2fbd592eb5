"""`workbench plan`."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from workbench.commands.shared.options import AsJson, out, print_json
from workbench.runs.process.measure import SECONDS


def plan(
    config: Annotated[Path, typer.Argument(metavar="CONFIG.toml", help="what to run")],
    memory: Annotated[
        float | None, typer.Option(metavar="GIB", help="GiB free; asked of the device if left out")
    ] = None,
    prompt: Annotated[
        int | None, typer.Option(min=1, max=10_000_000, help="tokens of a prompt; the longest of the data if left out")
    ] = None,
    timed: Annotated[
        bool, typer.Option("--measure", help="load the model and measure a few short steps on this machine")
    ] = False,
    seconds: Annotated[float, typer.Option(help="seconds that --measure takes, about")] = SECONDS,
    probed: Annotated[bool, typer.Option("--probe", hidden=True, help="the old name of --measure")] = False,
    as_json: AsJson = False,
) -> None:
    """Say whether a run fits into memory, what would make it fit, what it writes, and with --measure how long it takes.

    Looks at the data as well, as check-data does. Without --measure no model is loaded. Ends with code 1 where the run
    does not fit.
    """
    from workbench.runs.process.measure import measure

    timed = timed or probed
    asked, found, data = planned(config, memory, prompt)
    fits = found.fit != "does not fit"
    if not as_json:
        out.print("\n".join([*found.describe(), *data.describe()]), markup=False)
    timing = measure(asked, seconds) if timed and fits else None
    if as_json:
        print_json({**found.to_dict(), "data": asdict(data), "time": timing.to_dict() if timing else None})
    elif timed:
        told = timing.describe() if timing else ["time: not measured, since the run does not fit"]
        out.print("\n".join(told), markup=False)
    if not fits:
        raise typer.Exit(1)


def planned(config: Path, memory: float | None, prompt: int | None) -> tuple[Any, Any, Any]:
    """A config without errors, its forecast, and what is known of its data; `memory` in GiB, `prompt` in tokens."""
    from workbench.config import ConfigError, RunConfig
    from workbench.planning.data import data_report
    from workbench.planning.forecast import forecast
    from workbench.planning.memory import GIB, Assumed
    from workbench.runs.process.build import errors as errors_of

    if memory is not None and not 0 < memory < 1e9:
        raise ValueError(f"--memory {memory}: give the free memory in GiB, above 0")
    asked = RunConfig.load(config)
    found = errors_of(asked)
    if found:
        raise ConfigError(found)
    data = data_report(asked)
    free = None if memory is None else int(memory * GIB)
    return asked, forecast(asked, free, Assumed(prompt=prompt or data.longest)), data
