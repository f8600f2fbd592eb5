"""The `plan` command, entered into `workbench` through the entry-point group `workbench.commands`."""

import json
from pathlib import Path
from typing import Annotated

import typer


def plan(
    config: Annotated[Path, typer.Argument(metavar="CONFIG.toml", help="what to run")],
    memory: Annotated[
        float | None, typer.Option(metavar="GB", help="GiB free; asked of the device if left out")
    ] = None,
    prompt: Annotated[int, typer.Option(min=1, help="tokens of a prompt, where it matters at most")] = 256,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON document as the last line")] = False,
) -> None:
    """Say whether a run fits into memory, what would make it fit, and what it writes; loads no model."""
    from workbench.config import RunConfig
    from workbench.planning.forecast import forecast
    from workbench.planning.memory import GIB, Assumed

    if memory is not None and not memory > 0:
        raise ValueError(f"--memory {memory}: give the free memory in GiB, above 0")
    free = None if memory is None else int(memory * GIB)
    found = forecast(RunConfig.load(config), free, Assumed(prompt=prompt))
    if as_json:
        typer.echo(json.dumps(found.to_dict(), ensure_ascii=False))
        return
    for line in found.told():
        typer.echo(line)
    if found.verdict == "does not fit":
        raise typer.Exit(1)
