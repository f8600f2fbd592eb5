"""`workbench weights`."""

from typing import Annotated, Any

import typer

from workbench.commands.shared.options import RUNS, AsJson, Name, Runs, out, print_json


def weights(
    name: Name,
    start: Annotated[str, typer.Option("--from", help="a kept checkpoint's step; start: before training")] = "start",
    end: Annotated[str, typer.Option("--to", help="a kept checkpoint's step, or last")] = "last",
    ranks: Annotated[bool, typer.Option(help="compute the rank of every matrix' change: most of the time")] = True,
    runs: Runs = RUNS,
    as_json: AsJson = False,
) -> None:
    """Show how weights changed between two checkpoints: unchanged shares by type of number, norms, ranks, by layer."""
    from workbench.runs.checkpoints.weights import weight_changes
    from workbench.runs.summary import find_run

    run = find_run(name, runs)
    found = weight_changes(run, step_of(start, "--from"), step_of(end, "--to"), ranks=ranks)
    document = found.document()
    if as_json:
        print_json({"run": str(run.path), **document})
        return
    what = "merged weights" if found.merged else "weights"
    size = f"{document['total']['size']:,} {what}"
    out.print(f"{size}, step {found.start} to step {found.end}: shares of unchanged ones, and the change", markup=False)
    out.print(shown(document))
    out.print("the same change made smaller: shares of unchanged weights", markup=False)
    out.print(scaled(document["total"]["scaled"]))


def step_of(text: str, option: str) -> int | None:
    """The step that a text names; None for the last one."""
    if text in ("start", "last"):
        return 0 if text == "start" else None
    if not text.isdigit():
        raise ValueError(f"{option} {text}: give the step of a kept checkpoint, start or last")
    return int(text)


def shown(document: dict[str, Any]) -> Any:
    """A table: all weights, every kind, every layer."""
    from rich.table import Table

    columns = ("float32", "± 1e-5", "bfloat16", "norm", "relative", "rank")
    table = Table("", *columns, box=None)
    rows = [("all", document["total"])]
    rows += [(row["kind"], row) for row in document["kinds"]]
    rows += [(f"layer {row['layer']}", row) for row in document["layers"] if row["layer"] is not None]
    for title, row in rows:
        same = row["unchanged"]
        shares = [f"{same[each]:.2%}" for each in ("exact", "tolerance", "bfloat16")]
        rank = "" if row["rank"] is None else f"{row['rank']:.1%}"
        table.add_row(title, *shares, f"{row['norm']:.3g}", f"{row['relative_norm']:.2%}", rank)
    return table


def scaled(rows: list[dict[str, float]]) -> Any:
    """A table: the factor, and the shares that stay unchanged."""
    from rich.table import Table

    table = Table("times", "float32", "± 1e-5", "bfloat16", box=None)
    for row in rows:
        table.add_row(f"{row['factor']:g}", *(f"{row[each]:.2%}" for each in ("exact", "tolerance", "bfloat16")))
    return table
