"""`workbench compare`."""

from pathlib import Path
from typing import Annotated

import typer

from workbench.commands.shared.options import RUNS, AsJson, Runs, out, print_json


def compare(
    names: Annotated[list[str] | None, typer.Argument(metavar="[RUN]...", help="runs; default: all of --runs")] = None,
    by: Annotated[str, typer.Option(help="field of the configs that makes the arms, as in training.learning_rate")] = (
        "method"
    ),
    metric: Annotated[str, typer.Option(help="the last recorded value of this metric is a run's score")] = "accuracy",
    where: Annotated[list[str] | None, typer.Option(metavar="FIELD=VALUE", help="only runs with this value")] = None,
    against: Annotated[str, typer.Option(metavar="ARM", help="the arm to compare with; default: grpo")] = "",
    markdown: Annotated[Path | None, typer.Option(help="write the table there")] = None,
    figure: Annotated[Path | None, typer.Option(help="write the picture there, as one HTML file")] = None,
    runs: Runs = RUNS,
    as_json: AsJson = False,
) -> None:
    """Compare runs by a field of their configs: means over seeds with intervals, and in what else the runs differ."""
    from widgets.comparison.figure import as_figure
    from workbench.runs.compare import compare as compared
    from workbench.runs.compared import as_markdown, document
    from workbench.runs.summary import find_run, find_runs

    asked = [find_run(name, runs) for name in names] if names else list(find_runs(runs))
    found = compared(asked, by, metric, dict(pair(text) for text in where or []), against)
    if markdown is not None:
        markdown.write_text(as_markdown(found), encoding="utf-8")
    if figure is not None:
        as_figure(found).write_html(figure, include_plotlyjs=True)
    if as_json:
        print_json(document(found))
        return
    out.print(as_markdown(found), markup=False)


def pair(text: str) -> tuple[str, str]:
    """A field and its value; ValueError where the text has no =."""
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"--where {text}: write FIELD=VALUE, as in task=sums")
    return name.strip(), value.strip()
