"""The `report` command, entered into `workbench` through the entry-point group `workbench.commands`."""

from pathlib import Path
from typing import Annotated

import typer

from workbench.runs.open import open_run


def report(
    run: Annotated[Path, typer.Argument(help="Folder of the run.")],
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
        written = write_report(open_run(run), out or run / "report.html", chosen, gallery=methods == "all")
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    typer.echo(f"{written} ({written.stat().st_size / 1e6:.1f} MB)")
