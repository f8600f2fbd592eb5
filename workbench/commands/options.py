"""What the commands about a run share: how a run is named, lists of numbers, and JSON as the last line."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from workbench.runs.directory import plain

RUNS = Path("runs")
Name = Annotated[str, typer.Argument(metavar="RUN", help="a run's name in the folder of runs, or its path")]
Runs = Annotated[Path, typer.Option("--runs", help="folder of the runs")]
AsJson = Annotated[bool, typer.Option("--json", help="print one JSON document as the last line")]


def print_json(document: Any) -> None:
    """One JSON document on one line."""
    typer.echo(json.dumps(plain(document), ensure_ascii=False))


def numbers(text: str) -> list[int]:
    """Whole numbers from a list with ranges.

    >>> numbers("1,4-6")
    [1, 4, 5, 6]
    """
    found: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdigit() or (dash and not last.isdigit()):
            raise ValueError(f"{text!r}: write whole numbers and ranges with commas between, as in 1,4-6")
        found += range(int(first), int(last if dash else first) + 1)
    return found
