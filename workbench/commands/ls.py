"""`workbench ls`."""

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from workbench.commands.shared.options import RUNS, AsJson, Runs, out, print_json
from workbench.commands.shared.terminal import write_line

TITLES = ["run", "state", "step", "reward", "accuracy", "last update"]


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
    if not rows:
        out.print(f"no runs in {runs}; start one with: workbench demo", markup=False)
        return
    print_table([TITLES, *([str(Path(item["path"]).relative_to(runs)), *cells(item)] for item in rows)])
    for item in rows:
        for text in item["warnings"]:
            out.print(f"{Path(item['path']).relative_to(runs)}: {text}", markup=False)


def cells(item: dict[str, Any]) -> list[str]:
    """What the table shows of a run besides its name."""
    numbers = ["" if item[name] is None else f"{item[name]:.3f}" for name in ("reward", "accuracy")]
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(item["time"])) if item["time"] else ""
    step = "" if item["step"] is None else f"{item['step']}/{item['total']}"
    return [item["state"], step, *numbers, when]


def print_table(lines: list[list[str]]) -> None:
    """Prints texts in columns; for ten thousand lines rich would take seconds."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        write_line("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())
