"""The columns, and parquet files that are whole or not there."""

from pathlib import Path

import numpy
import pyarrow.parquet
import pytest

from tests.runs.fake import make_columns
from workbench.runs.directory.lines import read_lines
from workbench.runs.directory.paths import RunDirectory
from workbench.runs.directory.record import COLUMNS, SCHEMA, read_table, write_evaluation, write_rollouts
from workbench.runs.process.recorder import Recorder

WEIGHTS = numpy.linspace(0.1, 0.8, 8)


def test_every_rollout_keeps_its_own_tokens(tmp_path: Path) -> None:
    path = tmp_path / "step-000003.parquet"
    size = write_rollouts(path, make_columns(3, WEIGHTS))
    assert size == path.stat().st_size
    rows = read_table(path).to_pylist()
    assert [len(row["logprob"]) for row in rows] == [3, 1, 4]
    numpy.testing.assert_allclose(rows[1]["logprob"], [0.4], rtol=1e-6)  # the fourth of eight numbers from 0.1 to 0.8
    assert rows[1]["top_ids"] == [15, 16, 17, 18, 19]
    assert rows[2]["token_ids"] == [0, 1, 2, 3]
    assert rows[0]["parts"] == [{"name": "exact", "value": 1.0, "correct": 1.0, "reason": "equal", "extracted": "4"}]


def test_what_is_missing_is_null_and_never_zero(tmp_path: Path) -> None:
    write_rollouts(tmp_path / "a.parquet", make_columns(3, WEIGHTS))
    table = read_table(tmp_path / "a.parquet")
    assert table.column("kl").null_count == 3
    assert table.column("tag").null_count == 3
    assert table.column("pruned_at").null_count == 3
    assert table.schema.field("kl").type == SCHEMA.field("kl").type


def test_further_signals_and_whole_numbers_that_were_not_read(tmp_path: Path) -> None:
    columns = make_columns(3, WEIGHTS)
    columns["top_ids"][3] = numpy.nan  # the only token of the second rollout
    columns["wide"] = numpy.arange(16, dtype=numpy.float32).reshape(8, 2)
    write_rollouts(tmp_path / "a.parquet", columns)
    rows = read_table(tmp_path / "a.parquet").to_pylist()
    assert rows[1]["top_ids"] == [None] * 5
    assert rows[0]["top_ids"] == list(range(15))
    assert rows[1]["wide"] == [6.0, 7.0]
    assert rows[1]["further"] == [0.0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"logprob": numpy.zeros(7)}, "column logprob has shape .7,., but there are 8 tokens"),
        ({"top_ids": numpy.zeros((8, 4))}, "with 5 entries each"),
        ({"reward": [1.0]}, "column reward has 1 entries for 3 rollouts"),
        ({"token_ids": [[1]]}, "column token_ids has 1 entries for 3 rollouts"),
    ],
)
def test_lengths_that_do_not_fit_are_refused(tmp_path: Path, change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        write_rollouts(tmp_path / "a.parquet", {**make_columns(3, WEIGHTS), **change})
    assert list(tmp_path.iterdir()) == []


def test_a_step_without_rollouts_can_be_written(tmp_path: Path) -> None:
    write_rollouts(tmp_path / "a.parquet", {"offsets": [0], "step": [], "logprob": numpy.zeros(0)})
    assert read_table(tmp_path / "a.parquet").num_rows == 0


def test_column_names_are_given_once() -> None:
    assert len({column.name for column in COLUMNS}) == len(COLUMNS)


def test_an_evaluation_keeps_the_types_of_known_columns(tmp_path: Path) -> None:
    write_evaluation(tmp_path / "a.parquet", {"step": [0], "correct": [1.0], "probe": [True]})
    schema = pyarrow.parquet.read_schema(tmp_path / "a.parquet")
    assert [str(field.type) for field in schema] == ["int32", "float", "bool"]


def test_the_line_is_written_last_and_holds_what_recording_took(directory: RunDirectory) -> None:
    recorder = Recorder(directory, attempt=2)
    seen = []

    def save(line: object) -> None:
        seen.append(directory.rollout_file(3).exists())
        seen.append(read_lines(directory.metrics)[0])
        seen.append(line())  # type: ignore[operator]

    metrics = {"reward": 0.5, "seconds": 1.0, "seconds.record": 0.5}
    recorder.step(3, metrics, make_columns(3, WEIGHTS), save=save)
    recorder.close()
    lines, _ = read_lines(directory.metrics)
    assert seen == [True, [], lines[0]]
    assert lines[0]["attempt"] == 2
    assert lines[0]["seconds.record"] > 0.5
    spent = lines[0]["seconds.record"] - 0.5 + lines[0]["seconds.checkpoint"]
    assert lines[0]["seconds"] == pytest.approx(1.0 + spent)
