"""Runs compared by their configs: what makes an arm, what is paired, and what is said of an unfair comparison."""

import json
from pathlib import Path
from typing import Any

import pytest

from workbench.runs.compare import Comparison, compare
from workbench.runs.compared import as_markdown, document
from workbench.runs.directory.documents import write_document
from workbench.runs.directory.lines import LineWriter
from workbench.runs.directory.paths import RunDirectory
from workbench.runs.open import Run
from workbench.runs.summary import find_runs

HARDNESS = {"sums": 0.0, "chains": -0.3}


def play(runs: Path, method: str, seed: int, accuracy: float | None, task: str = "sums", **training: Any) -> None:
    """A finished run whose held-out accuracy rose to this, over three steps of 100 tokens and 2 s."""
    directory = RunDirectory(runs / f"{method}-{task}-{seed}").create()
    training = {"steps": 3, "learning_rate": 1e-3, **training}
    settings = {"name": directory.name, "seed": seed, "task": {"task": task}, "method": {"key": method}}
    write_document(directory.resolved, {**settings, "training": training})
    lines = LineWriter(directory.metrics)
    for step in range(4):
        told = {} if accuracy is None or step in (1, 2) else {"accuracy": accuracy * step / 3}
        lines.write({"attempt": 1, "step": step, "time": 1e9 + step, "tokens": 100.0, "seconds": 2.0, **told})
    lines.close()


def three_seeds(runs: Path, tasks: tuple[str, ...] = ("sums",)) -> None:
    """Two methods, seeds 0 to 2; `dapo` is .1 better on every seed."""
    for task in tasks:
        for seed, base in enumerate((0.5, 0.7, 0.6)):
            play(runs, "grpo", seed, base + HARDNESS[task], task)
            play(runs, "dapo", seed, base + 0.1 + HARDNESS[task], task)


def compared(runs: Path, **options: Any) -> Comparison:
    """The comparison of all runs in a folder."""
    return compare(find_runs(runs), **options)


def test_arms_are_the_values_of_a_field_best_first_and_pairs_are_by_seed(tmp_path: Path) -> None:
    three_seeds(tmp_path)
    found = compared(tmp_path)
    assert [arm.name for arm in found.arms] == ["dapo", "grpo"]
    assert (found.against, found.tasks, found.warnings, found.left_out) == ("grpo", ("sums",), (), ())
    best = found.arm("dapo")
    assert (best.runs, best.seeds) == (3, (0, 1, 2))
    assert best.mean.value == pytest.approx(0.7)
    difference = found.difference(best)
    assert difference is not None
    assert (difference.value, difference.low, difference.high) == pytest.approx((0.1, 0.1, 0.1))
    # .6 beats .5, ties .6; .8 beats all; .7 beats .5 and .6, ties .7
    assert found.improvement(best).value == pytest.approx((1.5 + 3 + 2.5) / 9)
    assert (best.spent("tokens"), best.spent("seconds")) == (300.0, 6.0)


def test_tasks_are_columns_and_a_seed_without_one_of_them_is_named(tmp_path: Path) -> None:
    three_seeds(tmp_path, ("sums", "chains"))
    play(tmp_path, "grpo", 3, 0.9)
    found = compared(tmp_path)
    assert found.tasks == ("chains", "sums")
    assert found.arm("grpo").scores.shape == (3, 2)
    assert found.left_out == ("grpo, seed 3: no run on chains",)


def test_fields_other_than_the_method_make_arms_and_keep_runs(tmp_path: Path) -> None:
    three_seeds(tmp_path)
    play(tmp_path / "more", "grpo", 0, 0.4, learning_rate=3e-3)
    runs = [*find_runs(tmp_path), *find_runs(tmp_path / "more")]
    found = compare(runs, by="training.learning_rate", where={"method": "grpo"})
    assert [(arm.name, arm.runs) for arm in found.arms] == [("0.001", 3), ("0.003", 1)]
    assert found.warnings == ("0.003: 1 run(s); an interval needs 3 or more",)


def test_an_unfair_comparison_is_told(tmp_path: Path) -> None:
    three_seeds(tmp_path)
    for seed in range(3):
        play(tmp_path, "gspo", seed, 0.8, steps=9)
    found = compared(tmp_path)
    assert found.warnings == ("the runs differ in other fields as well: training.steps",)
    assert "- the runs differ in other fields as well: training.steps" in as_markdown(found)


def test_runs_without_the_metric_are_named_and_not_counted(tmp_path: Path) -> None:
    three_seeds(tmp_path)
    play(tmp_path, "ppo", 0, None)
    (tmp_path / "ppo-sums-0" / "metrics.jsonl").write_text("")
    found = compared(tmp_path)
    assert found.left_out == ("ppo-sums-0: accuracy was not recorded",)
    assert "ppo" not in [arm.name for arm in found.arms]


def test_two_runs_of_one_seed_are_not_counted_twice(tmp_path: Path) -> None:
    three_seeds(tmp_path)
    play(tmp_path / "again", "grpo", 0, 0.1)
    found = compare([*find_runs(tmp_path), *find_runs(tmp_path / "again")])
    assert found.arm("grpo").runs == 3
    assert "another run of grpo has its seed and task" in found.left_out[0]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"by": "learning_rate"}, "did you mean training.learning_rate"),
        ({"by": "nothing"}, "no config has a field 'nothing'"),
        ({"metric": "nothing"}, "nothing was not recorded"),
        ({"where": {"method": "ppo"}}, "no run to compare"),
        ({"against": "ppo"}, "no arm is called 'ppo'; there are: dapo, grpo"),
    ],
)
def test_what_cannot_be_compared_is_told(tmp_path: Path, options: dict[str, Any], told: str) -> None:
    three_seeds(tmp_path)
    with pytest.raises(ValueError, match=told):
        compared(tmp_path, **options)


def test_a_folder_without_runs_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no run to compare"):
        compared(tmp_path)


def test_table_and_document_say_of_how_many_runs(tmp_path: Path) -> None:
    three_seeds(tmp_path)
    found = compared(tmp_path)
    text = as_markdown(found)
    assert text.splitlines()[0] == "accuracy by method, on sums; compared with grpo"
    assert text.splitlines()[4].startswith(
        "| dapo | 3 | 0.700 [0.600, 0.800] | 0.600 | 0.800 | 0.100 [0.100, 0.100], n = 3 |"
    )
    told = json.loads(json.dumps(document(found)))
    assert [arm["runs"] for arm in told["arms"]] == [3, 3]
    assert told["arms"][0]["paths"][0].endswith("dapo-sums-0")


def test_a_broken_run_is_left_out_by_name(tmp_path: Path) -> None:
    three_seeds(tmp_path)
    (tmp_path / "dapo-sums-1" / "resolved.json").write_text("{")
    found = compare(Run(run.directory) for run in find_runs(tmp_path))
    assert found.arm("dapo").runs == 2
    assert found.left_out == ("dapo-sums-1: it has no readable resolved.json",)
