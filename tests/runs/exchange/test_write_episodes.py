"""Our rollouts as verifiers' episodes: the fields of their models, and what is read back is what was written."""

import json
import math
from pathlib import Path
from typing import Any

import numpy
import pytest
from typer.testing import CliRunner

from tests.runs.exchange.peers import episode, write_lines
from tests.widgets.fake_run import small_run
from workbench.cli import app
from workbench.runs.exchange.find import import_run
from workbench.runs.exchange.write_episodes import rewards_of, write_episodes
from workbench.runs.open import open_run

KEPT = ("step", "group", "problem", "prompt", "text", "answer", "finish", "reward", "correct")


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    run = small_run(tmp_path)
    assert write_episodes(run, tmp_path / "out" / "traces.jsonl") == len(run.rollouts())
    again = import_run(tmp_path / "out", tmp_path / "runs")
    assert again.steps() == run.steps()
    for step in (1, 8):
        old, new = run.rollouts(step), again.rollouts(step)
        for name in KEPT:
            assert (
                old[name].tolist() == pytest.approx(new[name].tolist(), nan_ok=True)
                if name
                in (
                    "reward",
                    "correct",
                )
                else old[name].tolist() == new[name].tolist()
            ), name
        for name in ("prompt_ids", "token_ids", "trained"):
            assert [each.tolist() for each in old[name]] == [each.tolist() for each in new[name]]
        for name in ("logprob", "engine_logprob", "advantage", "entropy"):
            for mask, one, two in zip(old["trained"], old[name], new[name], strict=True):
                assert (one is None) == (two is None), name
                assert one is None or numpy.allclose(one[mask], two[mask], atol=1e-6), name


def test_fields_are_those_of_verifiers(tmp_path: Path) -> None:
    run = small_run(tmp_path)
    write_episodes(run, tmp_path / "traces.jsonl", [2])
    made = lines(tmp_path / "traces.jsonl")[0]
    trace = made["traces"][0]
    row = run.rollouts(2).iloc[0]
    assert made["run"]["work"] == {"type": "train", "step": 2}
    assert trace["version"] == 1
    assert [each.get("parent") for each in trace["nodes"]] == [None, 0]
    assert [each["sampled"] for each in trace["nodes"]] == [False, True]
    ids = [token for each in trace["nodes"] for token in each["token_ids"]]
    assert ids == [*row["prompt_ids"], *row["token_ids"]]
    answer = trace["nodes"][1]
    assert len(answer["mask"]) == len(answer["token_ids"])
    assert len(answer["advantages"]) == sum(answer["mask"])
    assert sum(each["score"] * each["weight"] for each in trace["rewards"].values()) == pytest.approx(row["reward"])


def test_numbers_stand_at_trained_tokens_alone_and_gaps_are_told(tmp_path: Path) -> None:
    row = episode()
    row["traces"][0]["nodes"][3]["logprobs"] = []
    run = import_run(write_lines(tmp_path / "vf" / "traces.jsonl", [row]).parent, tmp_path / "runs")
    told: list[str] = []
    write_episodes(run, tmp_path / "traces.jsonl", told=told.append)
    answer = lines(tmp_path / "traces.jsonl")[0]["traces"][0]["nodes"][1]
    assert answer["mask"] == [True, True, False, False, False, True]
    assert answer["advantages"] == [0.7, 0.7, 0.7]
    assert "logprobs" not in answer
    assert told == ["engine_logprob: left out of 1 episodes, where a trained token has no finite number"]


def test_a_reward_is_the_weighted_sum_or_stands_alone() -> None:
    parts = [{"name": "exact", "value": 1.0}, {"name": "style", "value": 0.5}]
    one = {"score": 1.0, "weight": 1.0}
    assert rewards_of({"parts": parts, "reward": 1.5, "correct": 1.0}) == (
        {"exact": one, "style": {"score": 0.5, "weight": 1.0}},
        {"correct": 1.0},
    )
    assert rewards_of({"parts": parts, "reward": 1.1, "correct": math.nan}) == (
        {"reward": {"score": 1.1, "weight": 1.0}},
        {"exact": 1.0, "style": 0.5},
    )
    assert rewards_of({"parts": parts[:1], "reward": math.nan, "correct": 0.0})[0] == {}


def test_the_command(tmp_path: Path) -> None:
    run = small_run(tmp_path)
    told = CliRunner().invoke(app, ["traces", str(run.path), "--steps", "1,3"], catch_exceptions=False).stdout
    path = run.path / "export" / "traces.jsonl"
    assert f"{path}: 48 episodes" in told.replace("\n", "")
    assert {each["run"]["work"]["step"] for each in lines(path)} == {1, 3}
    with pytest.raises(ValueError, match="no rollouts of step 99"):
        write_episodes(open_run(run.path), path, [99])
    assert len(lines(path)) == 48
    with pytest.raises(ValueError, match="give another file"):
        write_episodes(run, path / "below" / "traces.jsonl")


# ------------------------------------------------------------------------------------ what readers refuse


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"version": 2}, "line 1: a trace of version 2, and version 1 is known here; update the workbench"),
        ({"rewards": {"exact": 1.0}}, r"line 1: no episode of version 1 \(TypeError"),
        ({"rewards": {"exact": {"score": 10**400}}}, r"line 1: no episode of version 1 \(OverflowError"),
        ({"rewards": {"exact": {"score": "much"}}}, r"line 1: no episode of version 1 \("),
        ({"nodes": ["text"]}, r"line 1: no episode of version 1 \("),
    ],
)
def test_other_versions_and_broken_fields_are_named(tmp_path: Path, change: dict[str, Any], told: str) -> None:
    row = episode()
    row["traces"][0].update(change)
    folder = write_lines(tmp_path / "vf" / "traces.jsonl", [row]).parent
    with pytest.raises(ValueError, match=told):
        import_run(folder, tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_the_opening_of_an_answer_belongs_to_the_prompt(tmp_path: Path) -> None:
    row = episode()
    first = row["traces"][0]["nodes"][1]
    first.update(token_ids=[90, 91, 3, 4], mask=[False, False, True, True], is_content=[False, False, True, True])
    frame = import_run(write_lines(tmp_path / "vf" / "traces.jsonl", [row]).parent, tmp_path / "runs").rollouts(4)
    assert frame["prompt_ids"][0].tolist() == [1, 2, 90, 91]
    assert frame["token_ids"][0].tolist() == [3, 4, 5, 6, 7, 8]
    assert frame["advantage"][0][0] == pytest.approx(0.7)


@pytest.mark.parametrize(
    ("change", "finish"),
    [
        ({"stop_condition": "max_total_tokens"}, "length"),
        ({"calls": [{"node": 3, "finish_reason": "length"}]}, "length"),
        ({"calls": [{"finish_reason": "length"}, {"finish_reason": "stop"}], "stop_condition": "done"}, "stop"),
    ],
)
def test_truncated_traces(tmp_path: Path, change: dict[str, Any], finish: str) -> None:
    row = episode()
    row["traces"][0].update(change)
    frame = import_run(write_lines(tmp_path / "vf" / "traces.jsonl", [row]).parent, tmp_path / "runs").rollouts(4)
    assert frame["finish"].tolist() == [finish]
