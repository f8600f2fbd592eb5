"""`workbench methods`."""

from typing import Annotated

import typer
from rich.table import Table

from workbench.commands.shared.options import AsJson, out, print_json


def methods(
    check: Annotated[bool, typer.Option("--check", help="look for errors; fails if there are any")] = False,
    as_json: AsJson = False,
) -> None:
    """List the methods."""
    from workbench.commands.shared.catalogue import catalogue, cautions, faults

    entries, wrong = catalogue(), faults() if check else []
    if as_json:
        print_json({"methods": entries, **({"faults": wrong} if check else {})})
    else:
        table = Table("key", "title", "paper", "against GRPO", box=None)
        for entry in entries:
            table.add_row(entry["key"], entry["title"], entry["paper"], entry["changes"])
        out.print(table)
        for text in wrong:
            out.print(f"wrong: {text}", markup=False)
        for text in cautions() if check else []:
            out.print(f"warning: {text}", markup=False)
    if wrong:
        raise typer.Exit(1)
