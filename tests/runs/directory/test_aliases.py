"""A run whose metrics and columns were recorded under old names opens under the current ones, in every reader."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.widgets.fake_run import Shape, make_run
from widgets.recorded.data import read
from workbench.runs.directory.aliases import ALIASES, current_names
from workbench.runs.directory.record import BY_NAME, read_table
from workbench.runs.open import open_run

OLD = {new: old for old, new in ALIASES.items()}


@pytest.fixture
def old_run(tmp_path: Path) -> Path:
    """A run as an earlier version wrote it: each renamed metric and column has its old name."""
    folder = make_run(tmp_path / "run", Shape(steps=2, problems=2, rollouts=2))
    metrics = folder / "metrics.jsonl"
    lines = [json.loads(line) for line in metrics.read_text().splitlines()]
    for line in lines[1:]:
        line.update(dict.fromkeys(OLD, 0.5))
    old = [{OLD.get(name, name): value for name, value in line.items()} for line in lines]
    metrics.write_text("".join(json.dumps(line) + "\n" for line in old))
    for path in (folder / "rollouts").glob("*.parquet"):
        table = pq.read_table(path)
        if "excluded" in table.column_names:
            table = table.drop_columns(["excluded"])
        pq.write_table(table.append_column("left_out", [["filtered"] * len(table)]), path)
    return folder


def test_metrics_have_their_current_names(old_run: Path) -> None:
    assert not set(ALIASES) & set(ALIASES.values())
    for line in open_run(old_run).lines()[1:]:
        assert {line[name] for name in OLD} == {0.5}
        assert not set(ALIASES) & line.keys()
    assert set(OLD) - {"excluded"} <= set(open_run(old_run).metrics().columns)


def test_columns_have_their_current_names(old_run: Path) -> None:
    path = old_run / "rollouts" / "step-000001.parquet"
    assert "excluded" in BY_NAME
    for table in (read_table(path), read_table(path, ["excluded", "step"]), read(path, ["excluded", "rollout"])):
        assert set(table.column("excluded").to_pylist()) == {"filtered"}
        assert "left_out" not in table.column_names
    assert set(open_run(old_run).rollouts(1)["excluded"]) == {"filtered"}


def test_a_value_under_the_current_name_has_precedence() -> None:
    assert current_names({"gap_mean": 1.0, "mismatch_mean": 2.0}) == {"mismatch_mean": 2.0}
