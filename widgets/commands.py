"""The `report` command, entered into `workbench` through the entry-point group `workbench.commands`."""

from pathlib import Path
from typing import Annotated

import typer

from workbench.runs.summary import find_run


def report(
    run: Annotated[str, typer.Argument(help="A run's name in the folder of runs, or its path.")],
    runs: Annotated[Path, typer.Option("--runs", help="Folder of the runs.")] = Path("runs"),
    out: Annotated[
        Path | None, typer.Option(help="File to write; report.html in the run's folder if not given.")
    ] = None,
    steps: Annotated[str, typer.Option(help="Steps to show, as in 1,20,40; first, middle and last if not given.")] = "",
    methods: Annotated[str, typer.Option(help="'all' adds what every method would tell the same tokens.")] = "",
) -> None:
    """Write one HTML file with the curves and the tokens of a run; it needs no network."""
    from widgets.report import write_report

    if methods not in ("", "all"):
        raise typer.BadParameter(f"--methods {methods}: give all, or leave the option out")
    try:
        chosen = [int(step) for step in steps.split(",")] if steps else None
        opened = find_run(run, runs)
        written = write_report(opened, out or opened.path / "report.html", chosen, gallery=methods == "all")
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    typer.echo(f"{written} ({written.stat().st_size / 1e6:.1f} MB)")
