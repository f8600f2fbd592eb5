"""`workbench fork`."""

from typing import Annotated

import typer

from workbench.commands.shared.options import RUNS, AsJson, Name, Runs, out, print_json


def fork(
    name: Name,
    step: Annotated[int | None, typer.Option(help="a kept checkpoint's step; the last if left out")] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="as in training.steps=80 or method.method=gspo; repeatable"),
    ] = None,
    new_name: Annotated[str | None, typer.Option("--name", help="of the new run; RUN-from-STEP if left out")] = None,
    runs: Runs = RUNS,
    as_json: AsJson = False,
) -> None:
    """Start a run from a checkpoint of another, with changed settings; it may be running."""
    from workbench.runs.checkpoints.fork import fork as begin
    from workbench.runs.checkpoints.fork import parsed
    from workbench.runs.directory.sources import load_stored
    from workbench.runs.summary import find_run

    parent, tables = find_run(name, runs), parsed(changes or [])
    load_stored(parent.directory)  # as its trainer does, whose method may be one of a cell
    run = begin(parent, step, new_name, **tables)
    event = next(event for event in reversed(run.event_lines()) if event["kind"] == "forked")
    if as_json:
        print_json({"run": str(run.path), "parent": str(parent.path), "step": event["step"], "text": event["text"]})
        return
    out.print(f"started {run.path}: {event['text']}\nwatch it with: workbench follow {run.path}", markup=False)
