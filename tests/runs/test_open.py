"""Reading a run: whatever lies in its folder, readers carry on and say what they skipped."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workbench.runs.directory.paths import RunDirectory, write_json
from workbench.runs.open import open_run
from workbench.runs.summary import document, find_run, find_runs, idle, outcome, row


@pytest.fixture
def finished(directory: RunDirectory, here: Callable[..., int]) -> RunDirectory:
    """A run of three steps."""
    assert here(steps=3) == 0
    return directory


def test_a_half_written_parquet_file_is_skipped(finished: RunDirectory) -> None:
    content = finished.rollout_file(2).read_bytes()
    finished.rollout_file(2).write_bytes(content[: len(content) // 2])
    run = open_run(finished.path)
    assert sorted(set(run.rollouts()["step"])) == [1, 3]
    assert len(run.skipped) == 1
    assert run.skipped[0].startswith("rollouts/step-000002.parquet cannot be read")
    assert run.rollouts(2).empty


def test_foreign_files_and_a_torn_line_are_skipped(finished: RunDirectory) -> None:
    (finished.rollouts / "notes.txt").write_text("hello")
    (finished.rollouts / "step-000099.parquet").write_bytes(b"PAR1")  # no line: the step does not exist
    (finished.path / "core").write_bytes(b"\0")
    with finished.metrics.open("ab") as file:
        file.write(b'{"step": 4, "rew')
    run = open_run(finished.path)
    assert list(run.metrics()["step"]) == [0, 1, 2, 3]
    assert len(run.rollouts()) == 9
    assert run.skipped == ["metrics.jsonl: the last line is torn (16 bytes); skipped"]


def test_a_step_without_rollouts_is_named_with_those_there_are(finished: RunDirectory) -> None:
    with pytest.raises(ValueError, match="has no rollouts of step 7; there are: 1-3"):
        open_run(finished.path).rollouts(7)


def test_columns_can_be_chosen_and_runs_without_rollouts_read(finished: RunDirectory) -> None:
    run = open_run(finished.path)
    assert list(run.rollouts(columns=["step", "reward"]).columns) == ["step", "reward"]
    for file in finished.rollouts.iterdir():
        file.unlink()
    assert run.rollouts(columns=["step"]).empty


def test_sql_reads_all_tables(finished: RunDirectory) -> None:
    run = open_run(finished.path)
    answer = run.query("select m.step, count(*) as n from metrics m join rollouts r using (step) group by 1 order by 1")
    assert answer.values.tolist() == [[1, 3], [2, 3], [3, 3]]
    assert run.query("select kind from events where step = 3").values.tolist() == [["note"], ["finished"]]


def test_follow_yields_what_is_there_and_ends_with_the_run(finished: RunDirectory) -> None:
    run = open_run(finished.path)
    assert [line["step"] for line in run.follow()] == [0, 1, 2, 3]
    assert [line["step"] for line in run.follow(after=1)] == [2, 3]


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is no run directory"):
        open_run(tmp_path)


def test_a_run_is_opened_by_its_name_as_well(finished: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(finished.path.parent)
    shutil.copytree("run", "runs/demo")
    shutil.copytree("run", "runs/study/seed-0")
    assert open_run("demo").path == Path("runs/demo")
    assert open_run("study/seed-0").path == Path("runs/study/seed-0")
    Path("demo").mkdir()  # a folder that is no run hides none
    assert open_run("demo").path == Path("runs/demo")
    shutil.copytree("run", "runs/run")
    assert open_run("run").path == Path("run")  # what is there as a path is meant
    with pytest.raises(ValueError, match="nix is no run directory"):
        open_run("nix")
    Path("runs/study/experiment.json").write_text('{"runs": ["seed-0"]}')
    with pytest.raises(ValueError, match=r"runs/study is an experiment of several runs: open one of them .seed-0"):
        open_run("study")
    assert open_run("study/seed-0").title == "study/seed-0"


def test_runs_are_found_by_name_path_and_inside_experiments(finished: RunDirectory) -> None:
    runs = finished.path.parent
    (runs / "junk").mkdir()
    (runs / "study").mkdir()
    (runs / "study" / "experiment.json").write_text("{}")
    RunDirectory(runs / "study" / "seed-0").create()
    assert [run.name for run in find_runs(runs)] == ["run", "seed-0"]
    assert find_run("run", runs).path == find_run(str(finished.path), runs).path == finished.path
    with pytest.raises(ValueError, match=r"no run is called 'nix'.*run, study/seed-0"):
        find_run("nix", runs)


def test_a_run_of_a_later_version_is_listed_and_says_what_is_wrong(finished: RunDirectory) -> None:
    write_json(finished.format, {"format": 99, "kind": "run"})
    finished.status.write_text('{"state": ["of another form"]}')
    (found,) = find_runs(finished.path.parent)
    told = row(found)
    assert (told["name"], told["verdict"], told["step"], told["reward"]) == ("run", "newer version", None, None)
    assert "upgrade rlvr-workbench" in told["warnings"][0]
    with pytest.raises(ValueError, match="has format 99, this version reads up to 1; upgrade rlvr-workbench"):
        find_run("run", finished.path.parent)


def metrics_line(step: int, dead: float, norm: float | None = 0.0) -> dict[str, Any]:
    """A step of which this share of the groups has no signal."""
    return {"attempt": 1, "step": step, "zero_variance_groups": dead, **({} if norm is None else {"grad_norm": norm})}


@pytest.mark.parametrize(
    ("lines", "since"),
    [
        ([metrics_line(step, 1.0) for step in range(1, 6)], 1),
        ([metrics_line(step, 1.0, None) for step in range(1, 6)], 1),  # every group was dropped: no update
        ([metrics_line(step, float(step > 2)) for step in range(1, 9)], 3),
        ([metrics_line(step, 1.0) for step in range(1, 5)], None),  # too few steps to say so
        ([metrics_line(step, float(step < 9)) for step in range(1, 10)], None),  # one had a signal again
        ([metrics_line(step, 1.0, 0.1) for step in range(1, 9)], None),  # moved by something else, as by a KL loss
        ([{"attempt": 1, "step": step, "reward": 1.0} for step in range(9)], None),  # not on record
    ],
)
def test_steps_without_a_signal_are_told(lines: list[dict[str, Any]], since: int | None) -> None:
    told = idle([{"attempt": 1, "step": 0, "accuracy": 0.0}, *lines])
    assert [text.split(":")[0] for text in told] == (
        [] if since is None else [f"all groups have zero reward variance since step {since}"]
    )


def test_summaries(finished: RunDirectory) -> None:
    run = open_run(finished.path)
    assert (row(run)["verdict"], row(run)["step"], row(run)["accuracy"]) == ("finished", 3, 0.75)
    assert document(run)["accuracy"] == [{"step": 0, "accuracy": 0.25}, {"step": 3, "accuracy": 0.75}]
    result = outcome(run, began=run.lines()[0]["time"])
    assert (result["steps"], result["accuracy_before"], result["accuracy_after"]) == (3, 0.25, 0.75)
    assert result["seconds"] > 0
