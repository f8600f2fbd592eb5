"""`workbench papers`."""

from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from workbench.commands.shared.options import AsJson, out, print_json


def papers(
    status: Annotated[str, typer.Option(help="only systems that are here as a: whole, part, none")] = "",
    as_json: AsJson = False,
) -> None:
    """List published systems: what of each is here, what is missing, and which tests check it."""
    from workbench.papers import systems

    known = ("whole", "part", "none")
    if status not in ("", *known):
        raise ValueError(f"--status {status}: give one of {', '.join(known)}")
    chosen = [system for system in systems() if status in ("", system.status)]
    if as_json:
        print_json({"papers": [asdict(system) for system in chosen]})
        return
    table = Table("system", "paper", "status", "carried by", "missing", box=None)
    for system in chosen:
        table.add_row(system.title, system.paper, system.status, ", ".join(system.keys), system.missing)
    out.print(table)
    counts = [f"{sum(system.status == each for system in chosen)} {each}" for each in known]
    out.print(f"{len(chosen)} systems: {', '.join(counts)}", markup=False)
