"""`workbench set`."""

from typing import Annotated

import typer

from workbench.commands.shared.control import send
from workbench.commands.shared.options import RUNS, Name, Runs, Wait


def set_(
    name: Name,
    values: Annotated[list[str], typer.Argument(metavar="FIELD=VALUE...", help="as in learning_rate=1e-4")],
    runs: Runs = RUNS,
    wait: Wait = 10.0,
) -> None:
    """Change live fields of a run from its next step on."""
    send(name, runs, "set", wait, **dict(parsed(text) for text in values))


def parsed(text: str) -> tuple[str, float]:
    """A field and its number, from `FIELD=VALUE`."""
    field, equals, value = text.partition("=")
    try:
        return field.strip(), float(value)
    except ValueError:
        missing = "" if equals else " has no '='"
        raise ValueError(f"{text!r}{missing}: write FIELD=NUMBER, as in learning_rate=1e-4") from None
