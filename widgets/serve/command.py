"""`workbench serve`."""

from pathlib import Path
from typing import Annotated

import typer


def serve(
    folder: Annotated[Path, typer.Argument(metavar="[RUNS_DIR]", help="folder of the runs")] = Path("runs"),
    address: Annotated[str, typer.Option(help="address to listen at; 0.0.0.0 for the whole network")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="port to listen at; 0 for any that is free")] = 5006,
    control: Annotated[bool, typer.Option("--control", help="let the pages control runs")] = False,
) -> None:
    """Show the runs of a folder in a browser, to many viewers at once; the printed address holds the token."""
    from widgets.serve.serve import serve as serve_folder

    serve_folder(folder, address, port, control)
