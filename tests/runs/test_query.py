"""SQL over one run and over all runs of a folder: tables, current names, broken files, the command."""

import json
import shutil
from pathlib import Path

import pytest

from tests.test_cli import Call, call, last_json  # noqa: F401
from tests.widgets.fake_run import Shape, make_run
from workbench import query_runs
from workbench.runs.directory.paths import write_json
from workbench.runs.open import open_run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two runs, one of them in an experiment, one whose columns have an old name; and something that is no run."""
    runs = tmp_path / "runs"
    make_run(runs / "one", Shape(steps=2, problems=2, rollouts=2))
    make_run(runs / "mine" / "seed-0", Shape(steps=3, problems=1, rollouts=2))
    write_json(runs / "mine" / "experiment.json", {"runs": ["seed-0"]})
    (runs / "notes").mkdir()
    return runs


def test_every_table_of_all_runs_has_the_run(folder: Path) -> None:
    counts = query_runs("select run, count(*) as n from rollouts group by run order by run", folder)
    assert counts.values.tolist() == [["mine/seed-0", 6], ["one", 8]]
    steps = query_runs("select run, max(step) as last from steps group by run order by run", folder)
    assert steps.values.tolist() == [["mine/seed-0", 3], ["one", 2]]
    joined = query_runs(
        "select count(*) as n from rollouts r join steps s on r.run = s.run and r.step = s.step", folder
    )
    assert joined["n"].tolist() == [14]
    assert query_runs("select count(*) as n from events", folder)["n"].tolist()[0] >= 0


def test_tokens_are_the_lists_of_the_rollouts_side_by_side(folder: Path) -> None:
    run = open_run(folder / "one")
    rollouts = run.rollouts()
    found = run.query("select step, rollout, position, token_id, logprob from tokens order by step, rollout, position")
    assert len(found) == sum(len(ids) for ids in rollouts["token_ids"])
    for row in rollouts.itertuples():
        own = found[(found["step"] == row.step) & (found["rollout"] == row.rollout)]
        assert own["token_id"].tolist() == list(row.token_ids)
        assert own["logprob"].tolist() == pytest.approx(list(row.logprob))
        assert own["position"].tolist() == list(range(len(row.token_ids)))
    both = query_runs("select run, count(*) as n from tokens group by run order by run", folder)
    assert both["n"].tolist()[1] == len(found)


def test_columns_have_their_current_names_whatever_recorded_them(folder: Path) -> None:
    import pyarrow.parquet as pq

    for path in (folder / "one" / "rollouts").glob("*.parquet"):
        table = pq.read_table(path)
        kept = table.drop_columns(["excluded"]) if "excluded" in table.column_names else table
        pq.write_table(kept.append_column("left_out", [["filtered"] * len(table)]), path)
    run = open_run(folder / "one")
    assert run.query("select distinct excluded from rollouts")["excluded"].tolist() == ["filtered"]
    both = query_runs("select run from rollouts where excluded = 'filtered' group by run", folder)
    assert both["run"].tolist() == ["one"]


def test_exams_are_what_eval_kept(folder: Path) -> None:
    estimate = {"value": 0.5, "low": 0.25, "high": 0.75, "problems": 8}
    document = {"step": 2, "passes": {"1": estimate, "4": estimate}, "votes": {"4": estimate}, "gains": {}}
    place = folder / "one" / "evaluations"
    place.mkdir(exist_ok=True)
    write_json(place / "eval-step-000002.json", document)
    (place / "eval-step-000003.json").write_text("{")
    found = query_runs("select run, step, measure, value, low, high, problems from exams order by measure", folder)
    assert found.values.tolist()[1] == ["one", 2, "pass@1", 0.5, 0.25, 0.75, 8]
    assert found["measure"].tolist() == ["majority@4", "pass@1", "pass@4"]
    run = open_run(folder / "one")
    assert len(run.query("select * from exams")) == 3
    assert "eval-step-000003.json cannot be read" in run.skipped[0]


def test_a_broken_file_is_left_out_with_a_note(folder: Path) -> None:
    file = folder / "one" / "rollouts" / "step-000001.parquet"
    file.write_bytes(file.read_bytes()[:-20])
    run = open_run(folder / "one")
    assert run.query("select count(*) as n from rollouts")["n"].tolist() == [4]
    assert "step-000001.parquet cannot be read" in run.skipped[0]
    assert query_runs("select count(*) as n from rollouts", folder)["n"].tolist() == [10]


@pytest.mark.parametrize("sql", ["select nothing from steps", "selec 1", "select * from nowhere", ""])
def test_sql_that_fails_is_an_error_with_the_tables(folder: Path, sql: str) -> None:
    with pytest.raises(ValueError, match=r"the query failed: .*the tables are steps, rollouts, tokens"):
        query_runs(sql, folder)


def test_a_folder_without_runs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"there are no runs in .*: give a folder of runs"):
        query_runs("select 1", tmp_path)


def test_a_run_of_a_later_version_is_left_out(folder: Path) -> None:
    later = folder / "later"
    shutil.copytree(folder / "one", later)
    document = json.loads((later / "format.json").read_text())
    write_json(later / "format.json", {**document, "format": 999})
    assert query_runs("select distinct run from steps order by run", folder)["run"].tolist() == ["mine/seed-0", "one"]


def test_the_command_prints_a_table_csv_or_json(call: Call, folder: Path) -> None:  # noqa: F811
    sql = "select run, count(*) as n from rollouts group by run order by run"
    assert "mine/seed-0  6" in call("query", sql, "--runs", folder)[1]
    assert call("query", sql, "--runs", folder, "--csv")[1] == "run,n\nmine/seed-0,6\none,8\n"
    document = last_json(call("query", sql, "--runs", folder, "--json")[1])
    assert document == {"columns": ["run", "n"], "rows": [["mine/seed-0", 6], ["one", 8]]}
    code, _, errors = call("query", "select x from steps", "--runs", folder)
    assert code == 2
    assert "the query failed" in errors
