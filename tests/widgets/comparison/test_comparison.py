"""`workbench compare` as a user types it, and its picture."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.runs.test_compare import compared, three_seeds
from widgets.comparison.command import pair
from widgets.comparison.figure import as_figure
from workbench.cli import app


def test_the_picture_says_of_how_many_runs_it_is_and_shows_every_run(tmp_path: Path) -> None:
    three_seeds(tmp_path)
    figure = as_figure(compared(tmp_path))
    assert {trace.name for trace in figure.data} == {"dapo (n = 3)", "grpo (n = 3)"}
    points = [trace for trace in figure.data if trace.name == "dapo (n = 3)" and trace.opacity == 0.5]
    assert sorted(points[0].x) == pytest.approx([0.6, 0.7, 0.8])


def test_the_command_writes_table_picture_and_json(tmp_path: Path) -> None:
    three_seeds(tmp_path / "runs")
    files = ["--markdown", str(tmp_path / "table.md"), "--figure", str(tmp_path / "picture.html")]
    answer = CliRunner().invoke(app, ["compare", "--runs", str(tmp_path / "runs"), *files])
    assert answer.exit_code == 0, answer.output
    assert "dapo" in answer.output
    assert (tmp_path / "table.md").read_text().startswith("accuracy by method, on sums; compared with grpo")
    assert "<html>" in (tmp_path / "picture.html").read_text()[:100]
    chosen = ["grpo-sums-0", "dapo-sums-0", "--json", "--where", "seed=0"]
    answer = CliRunner().invoke(app, ["compare", "--runs", str(tmp_path / "runs"), *chosen])
    found = json.loads(answer.output.splitlines()[-1])
    assert [(arm["name"], arm["runs"]) for arm in found["arms"]] == [("dapo", 1), ("grpo", 1)]


def test_a_condition_without_a_value_is_told() -> None:
    assert pair("task = sums") == ("task", "sums")
    with pytest.raises(ValueError, match="write FIELD=VALUE"):
        pair("task")
