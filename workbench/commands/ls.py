"""`workbench ls`."""

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from workbench.commands.shared.options import RUNS, AsJson, Runs, out, print_json


def ls(
    folder: Annotated[Path | None, typer.Argument(metavar="[RUNS_DIR]", help="the same as --runs")] = None,
    runs: Runs = RUNS,
    as_json: AsJson = False,
) -> None:
    """List the runs in a folder."""
    from workbench.runs.summary import find_runs, row

    if folder not in (None, runs) and runs != RUNS:
        raise ValueError(f"{folder} and --runs {runs} were given: give one folder")
    runs = folder or runs
    rows = [row(run) for run in find_runs(runs)]
    if as_json:
        print_json({"runs": rows})
        return
    table = Table("run", "state", "step", "reward", "accuracy", "last update", box=None)
    for item in rows:
        numbers = ["" if item[name] is None else f"{item[name]:.3f}" for name in ("reward", "accuracy")]
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(item["time"])) if item["time"] else ""
        step = "" if item["step"] is None else f"{item['step']}/{item['total']}"
        table.add_row(str(Path(item["path"]).relative_to(runs)), item["verdict"], step, *numbers, when)
    out.print(table if rows else f"no runs in {runs}; start one with: workbench demo")
    for item in rows:
        for text in item["warnings"]:
            out.print(f"{Path(item['path']).relative_to(runs)}: {text}", markup=False)
