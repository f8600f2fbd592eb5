"""`workbench reward`."""

from typing import Annotated

import typer

from workbench.commands.eval_ import read_exam
from workbench.commands.shared.options import AsJson, out, print_json


def reward(
    exam: Annotated[str, typer.Argument(metavar="EXAM", help="a TOML file with exam = NAME and its fields, or a name")],
    problems: Annotated[int, typer.Option(min=1, help="problems, each with all its solutions")] = 100,
    as_json: AsJson = False,
) -> None:
    """Grade a reward before it trains anything: does it prefer the correct one of ten solutions?"""
    from rich.table import Table

    from workbench.runs.checkpoints.grade_reward import grade_reward

    found = grade_reward(read_exam(exam), problems)
    if as_json:
        print_json({"exam": found.exam, "problems": problems, "unscored": found.unscored, "measures": found.measures})
        return
    table = Table(box=None, show_header=False)
    for name, each in found.measures.items():
        table.add_row(name, str(each))
    table.add_row("unscored", f"{found.unscored:.1%}")
    out.print(table)
