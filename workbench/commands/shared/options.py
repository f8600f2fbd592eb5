"""What commands share: how a run is named, the two consoles, lists of numbers, and JSON as the last line."""

from pathlib import Path
from typing import Annotated, Any

import typer

from workbench.commands.shared.terminal import err, out
from workbench.visible import json_text

__all__ = [
    "RUNS",
    "AsJson",
    "Follow",
    "Name",
    "Runs",
    "Wait",
    "err",
    "found",
    "numbers",
    "out",
    "print_json",
    "print_steps",
]

RUNS = Path("runs")

Name = Annotated[str, typer.Argument(metavar="RUN", help="a run's name in the folder of runs, or its path")]
Runs = Annotated[Path, typer.Option("--runs", help="folder of the runs")]
AsJson = Annotated[bool, typer.Option("--json", help="print one JSON document as the last line")]


Wait = Annotated[float, typer.Option("--wait", help="seconds to wait for the trainer's reply")]
Follow = Annotated[bool, typer.Option("--follow", help="print the steps until the run ends")]


def print_json(document: Any) -> None:
    """Prints one JSON document on one line."""
    from workbench.runs.directory.paths import plain

    print(json_text(plain(document)), flush=True)


def found(name: str, runs: Path) -> Any:
    """The run of that name or path; ValueError names the runs there are."""
    from workbench.runs.summary import find_run

    return find_run(name, runs)


def print_steps(run: Any) -> None:
    """Prints every step of a run until it ends."""
    from workbench.runs.summary import sentence

    for line in run.follow():
        out.print(sentence(line), markup=False)
    out.print(str(run.status), markup=False)


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
