"""`workbench query`."""

from typing import Annotated

import typer

from workbench.commands.shared.options import RUNS, AsJson, Runs, err, print_json
from workbench.commands.shared.terminal import write_line

SHOWN = 60  # characters of a value in the table


def query(
    sql: Annotated[str, typer.Argument(metavar="SQL", help='as in "select run, max(reward) from steps group by run"')],
    runs: Runs = RUNS,
    csv: Annotated[bool, typer.Option("--csv", help="print CSV instead of a table")] = False,
    as_json: AsJson = False,
) -> None:
    """Ask all runs of a folder by SQL: tables steps, rollouts, tokens, evaluations, probes, exams and events."""
    from workbench.runs.query_runs import query_runs

    found = query_runs(sql, runs)
    if as_json:
        print_json({"columns": list(found.columns), "rows": found.to_dict("split")["data"]})
    elif csv:
        write_line(found.to_csv(index=False).rstrip("\n"))
    else:
        write_line(found.to_string(index=False, max_colwidth=SHOWN))
        err.print(f"{len(found)} rows", markup=False)
