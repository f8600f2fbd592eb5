"""`workbench pieces`."""

from typing import Annotated

import typer
from rich.table import Table

from workbench.commands.shared.options import AsJson, out, print_json


def pieces(
    kind: Annotated[str, typer.Argument(metavar="[KIND]", help="one kind of piece, as in reward; default: all")] = "",
    as_json: AsJson = False,
) -> None:
    """List the pieces: what can stand in a slot of a method, of a run or of a task, with every field."""
    from workbench.commands.shared.pieces import find_kinds, listed

    entries = [entry for found in find_kinds(kind) for entry in listed(found)]
    if as_json:
        print_json({"pieces": entries})
        return
    table = Table("kind", "name", "fields", "what it is", box=None)
    for entry in entries:
        table.add_row(entry["kind"], entry["name"], ", ".join(entry["fields"]), entry["summary"])
    out.print(table)
