"""`workbench check-data`."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from workbench.commands.shared.options import AsJson, out, print_json


def check_data(
    config: Annotated[Path, typer.Argument(metavar="CONFIG.toml", help="the config whose data to look at")],
    as_json: AsJson = False,
) -> None:
    """Look at the data of a run in tokens, line by line, as is done before every launch.

    Loads the tokenizer and no weights. Ends with code 1 where there are errors.
    """
    from workbench.config import RunConfig
    from workbench.planning.data import DataReport, data_report

    asked = RunConfig.load(config)
    wrong = asked.task.check()
    report = DataReport(tuple(wrong)) if wrong else data_report(asked)
    if as_json:
        print_json(asdict(report))
    else:
        for line in report.describe():
            out.print(line, markup=False)
        if not report.errors and not report.warnings:
            out.print("no errors", markup=False)
    if report.errors:
        raise typer.Exit(1)
