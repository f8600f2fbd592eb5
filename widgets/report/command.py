"""`workbench report`."""

from pathlib import Path
from typing import Annotated

import typer

from workbench.commands.shared import terminal
from workbench.commands.shared.options import RUNS, Name, Runs, numbers
from workbench.runs.summary import find_run


def report(
    run: Name,
    runs: Runs = RUNS,
    out: Annotated[Path | None, typer.Option(help="file to write; report.html in the run's folder if left out")] = None,
    steps: Annotated[
        str | None, typer.Option(help="steps to show, as in 1,4-6; first, middle and last if left out")
    ] = None,
    methods: Annotated[str, typer.Option(help="'all' adds the lens of every method on the same tokens")] = "",
) -> None:
    """Write one HTML file with the curves and the tokens of a run; it needs no network."""
    from widgets.report.report import write_report

    if methods not in ("", "all"):
        raise ValueError(f"--methods {methods}: give all, or leave the option out")
    opened = find_run(run, runs)
    chosen = None if steps is None else numbers(steps)
    written = write_report(opened, out or opened.path / "report.html", chosen, gallery=methods == "all")
    terminal.out.print(f"{written} ({written.stat().st_size / 1e6:.1f} MB)", markup=False)
