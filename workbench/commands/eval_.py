"""`workbench eval`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from workbench.commands.shared.options import RUNS, AsJson, Name, Runs, numbers, out, print_json


def eval_(
    name: Name,
    steps: Annotated[
        list[int] | None, typer.Option("--step", help="a kept checkpoint's step, repeatable; the last if left out")
    ] = None,
    problems: Annotated[int, typer.Option(help="held-out problems")] = 256,
    tries: Annotated[str, typer.Option("-k", help="which pass@k, from as many completions as the largest")] = "1,4,16",
    base: Annotated[bool, typer.Option(help="evaluate the model before training as well, and compare")] = True,
    exam: Annotated[
        str,
        typer.Option(help="an exam's name, or a TOML file with exam = NAME and its fields"),
    ] = "",
    runs: Runs = RUNS,
    as_json: AsJson = False,
) -> None:
    """Measure pass@1 and pass@k of checkpoints against the base on held-out problems."""
    from workbench.runs.checkpoints.evaluation import EvaluationSettings, evaluate
    from workbench.runs.summary import find_run

    run, settings = find_run(name, runs), EvaluationSettings(problems, tuple(numbers(tries)), exam=read_exam(exam))
    results = evaluate(run, steps or [None], settings, base=base)
    if as_json:
        print_json({"run": str(run.path), "problems": problems, "results": [one.document() for one in results]})
        return
    out.print(shown(results))
    out.print(
        f"{problems} held-out problems; in brackets 95 % of the bootstrap; kept in {run.directory.evaluations}",
        markup=False,
    )


def read_exam(given: str) -> Any:
    """An exam by its name, or from a file; None where none is asked for."""
    from workbench.config import read_toml
    from workbench.kinds import Exam
    from workbench.registry import load

    load()
    if not given.endswith(".toml"):
        return Exam.parse(given) if given else None
    try:
        text = Path(given).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{given} cannot be read ({error}); give the path of a TOML file") from error
    return Exam.parse(read_toml(text, f"{given}: "))


def shown(results: list[Any]) -> Any:
    """A table with a column for each model."""
    from rich.table import Table

    table = Table("", *("base" if one.step == 0 else f"step {one.step}" for one in results), box=None)
    for tries in results[0].passes:
        table.add_row(f"pass@{tries}", *(str(one.passes[tries]) for one in results))
        if any(one.gains for one in results):
            gains = ["" if not one.gains else f"{one.gains[tries].value:+.1%} ({one.gains[tries].low:+.1%} to "
                     f"{one.gains[tries].high:+.1%})" for one in results]  # fmt: skip
            table.add_row("  over base", *gains)
    for tries in results[0].votes:
        table.add_row(f"majority of {tries}", *(str(one.votes[tries]) for one in results))
        if any(one.weighted for one in results):
            cells = [str(one.weighted[tries]) if one.weighted else one.unweighted for one in results]
            table.add_row("  weighed by the head", *cells)
    for name in results[-1].measures:
        table.add_row(name, *(str(one.measures[name]) if name in one.measures else "" for one in results))
    if any(one.support for one in results):
        cells = [f"{len(one.support.gained)} / {len(one.support.lost)}" if one.support else "" for one in results]
        table.add_row("gained / lost", *cells)
        table.add_row("  by luck", *("" if one.chance is None else f"{one.chance:.1f}" for one in results))
    if any(one.entropy is not None for one in results):
        table.add_row("answer entropy", *("" if one.entropy is None else f"{one.entropy:.3f}" for one in results))
    table.add_row("tokens", *(f"{one.length:.1f}" for one in results))
    for what in ("truncated", "unscored"):
        table.add_row(what, *(f"{getattr(one, what):.1%}" for one in results))
    return table
