"""Texts of TRL and verl, written by small writers and read back; nothing is left of an import that fails."""

import json
import math
from pathlib import Path
from typing import Any

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from tests.runs.exchange.peers import (
    TALK,
    episode,
    row,
    trained_text,
    write_lines,
    write_trl,
    write_verl,
)
from workbench.cli import app
from workbench.runs.exchange.find import import_run
from workbench.runs.exchange.foreign import Options

# ------------------------------------------------------------------------------------------------- verl


@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), min_size=1, max_size=5))
def test_verl_keeps_every_text(texts: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("verl")
    write_verl(folder / "dump", [row(f"a{text}z", float(number)) for number, text in enumerate(texts)])
    frame = import_run(folder / "dump", folder / "runs").rollouts(3)
    assert frame["text"].tolist() == [f"a{text}z" for text in texts]
    assert frame["reward"].tolist() == [float(number) for number in range(len(texts))]


@pytest.mark.parametrize("sign", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c"])
def test_verl_lines_end_at_line_feeds_alone(tmp_path: Path, sign: str) -> None:
    frame = import_run(write_verl(tmp_path / "dump", [row(f"one{sign}two")]), tmp_path / "runs").rollouts(3)
    assert frame["text"].tolist() == [f"one{sign}two"]


def test_verl_groups_by_uid(tmp_path: Path) -> None:
    for name, uids in {"plain": ["a", "b", "a", "b"], "numbered": ["7_0_0", "8_0_0", "7_1_0", "8_1_0"]}.items():
        folder = write_verl(tmp_path / name, [row(uid=uid) for uid in uids])
        assert import_run(folder, tmp_path / "runs").rollouts(3)["group"].tolist() == [0, 1, 0, 1]
    frame = import_run(write_verl(tmp_path / "without", [row(), row()]), tmp_path / "runs").rollouts(3)
    assert frame["group"].tolist() == [0, 0]


def test_verl_torn_last_line_is_left_out_with_a_note(tmp_path: Path) -> None:
    folder = write_verl(tmp_path / "dump", [row()], end="\n" + json.dumps(row())[:40])
    options = Options()
    run = import_run(folder, tmp_path / "runs", options=options)
    assert len(run.rollouts(3)) == 1
    assert options.notes == ["3.jsonl, line 2: the last line is torn and is left out"]
    assert [event["text"] for event in run.event_lines() if event["kind"] == "note"] == options.notes


@pytest.mark.parametrize("score", [None, math.nan, math.inf, -math.inf])
def test_a_score_that_is_no_number_is_missing_and_not_zero(tmp_path: Path, score: Any) -> None:
    run = import_run(write_verl(tmp_path / "dump", [row(score=score), row(score=1.0)]), tmp_path / "runs")
    assert math.isnan(run.rollouts(3)["reward"][0])
    assert run.metrics()["reward"].tolist() == [1.0]


def test_half_characters_become_the_sign_for_them(tmp_path: Path) -> None:
    (tmp_path / "dump").mkdir()
    (tmp_path / "dump" / "3.jsonl").write_text(json.dumps(row("a\ud83dz")) + "\n")
    assert import_run(tmp_path / "dump", tmp_path / "runs").rollouts(3)["text"].tolist() == ["a\ufffdz"]


# -------------------------------------------------------------------------------------------------- TRL


def advantages(rewards: list[float], size: int, scaled: bool) -> list[float]:
    """TRL's advantages of consecutive groups."""
    found = []
    for start in range(0, len(rewards), size):
        group = numpy.array(rewards[start : start + size])
        found += ((group - group.mean()) / (group.std(ddof=1) + 1e-4 if scaled else 1.0)).tolist()
    return found


@given(
    right=st.lists(st.sampled_from([0.0, 1.0]), min_size=16, max_size=16),
    style=st.lists(st.sampled_from([0.0, 0.3, 0.5]), min_size=16, max_size=16),
    other=st.lists(st.floats(0.1, 9.0), min_size=16, max_size=16),
    scaled=st.booleans(),
)
def test_trl_takes_the_columns_that_give_the_advantage(
    right: list[float], style: list[float], other: list[float], scaled: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Other numbers are never summed into the reward; where the record does not tell, it is missing."""
    folder = tmp_path_factory.mktemp("trl")
    summed = [one + two for one, two in zip(right, style, strict=True)]
    asked = [f"{number // 4}?" for number in range(16)]
    columns = {"exact": right, "style": style, "latency": other, "n_calls": [3] * 16}
    write_trl(folder, 10, prompt=asked, completion=["x"] * 16, **columns, advantage=advantages(summed, 4, scaled))
    frame = import_run(folder, folder / "runs").rollouts(10)
    for start in range(0, 16, 4):
        got, wanted = numpy.array(frame["reward"][start : start + 4]), numpy.array(summed[start : start + 4])
        assert numpy.isnan(got).all() or numpy.allclose(got - got.mean(), wanted - wanted.mean(), atol=1e-5)


def test_trl_true_rewards_of_a_usual_record(tmp_path: Path) -> None:
    right = [1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    columns = {
        "correct_reward": right,
        "n_tool_calls": [3, 1, 2, 5, 1, 1, 4, 2],
        "latency_s": [0.5, 0.25, 0.1, 3.0] * 2,
    }
    write_trl(tmp_path / "out", 10, prompt=["a?"] * 4 + ["b?"] * 4, completion=["x"] * 8, **columns,
              advantage=advantages(right, 4, True))  # fmt: skip
    run = import_run(tmp_path / "out", tmp_path / "runs")
    assert run.rollouts(10)["reward"].tolist() == right
    assert [part["name"] for part in run.rollouts(10)["parts"][0]] == ["correct_reward"]


def test_trl_that_does_not_tell_asks_for_the_rewards(tmp_path: Path) -> None:
    write_trl(tmp_path / "out", 10, prompt=["a?"] * 2, completion=["x", "y"], one=[1.0, 0.0], two=[3.0, 1.0],
              advantage=[0.707, -0.707])  # fmt: skip
    options = Options()
    run = import_run(tmp_path / "out", tmp_path / "runs", options=options)
    assert run.rollouts(10)["reward"].isna().all()
    assert "--rewards NAME,NAME=0.5" in options.notes[0]
    told = CliRunner().invoke(
        app,
        ["import", str(tmp_path / "out"), "--runs", str(tmp_path / "runs"), "--name", "b", "--rewards", "one,two=0.5"],
    )
    assert told.exit_code == 0, told.exception
    named = import_run(tmp_path / "out", tmp_path / "runs", options=Options({"one": 1.0, "two": 0.5}))
    assert named.rollouts(10)["reward"].tolist() == [2.5, 0.5]
    with pytest.raises(ValueError, match="--rewards three: no such column of numbers; there are: one, two"):
        import_run(tmp_path / "out", tmp_path / "runs", options=Options({"three": 1.0}))


def test_trl_equal_prompts_of_two_groups_stay_apart(tmp_path: Path) -> None:
    write_trl(tmp_path / "out", 10, prompt=["2+2?"] * 4, completion=["4", "5", "4", "4"], exact=[1.0, 0.0, 1.0, 1.0],
              advantage=[0.707, -0.707, 0.0, 0.0])  # fmt: skip
    assert import_run(tmp_path / "out", tmp_path / "runs").rollouts(10)["group"].tolist() == [0, 0, 1, 1]


def test_trl_keeps_calls_of_tools_and_masks_what_tools_said(tmp_path: Path) -> None:
    write_trl(tmp_path / "out", 10, prompt=[[{"role": "user", "content": "2+2?"}]] * 2, completion=[TALK, TALK[2:]],
              exact=[1.0, 1.0], advantage=[0.0, 0.0])  # fmt: skip
    run = import_run(tmp_path / "out", tmp_path / "runs")
    frame = run.rollouts(10)
    assert '<tool_call>{"name": "add", "arguments": {"a": 2, "b": 2}}</tool_call>' in frame["text"][0]
    assert "TOOLWORD" in frame["text"][0]
    told = trained_text(run, 10)
    assert "It is 4." in told
    assert "add" in told
    assert "TOOLWORD" not in told
    assert frame["text"][1] == "It is 4."
    assert all(frame["trained"][1])
    assert all(
        math.isnan(value) == (not mark) for value, mark in zip(frame["advantage"][0], frame["trained"][0], strict=True)
    )


# ----------------------------------------------------------------------------------- nothing half left behind


BROKEN = {
    "verl": lambda folder: write_verl(write_verl(folder, [row()], 1), [{"input": "x"}], 2),
    "verl lines": lambda folder: write_verl(write_verl(folder, [row()], 1), [row()], 2, end="\n[1]\n"),
    "trl": lambda folder: (write_trl(folder, 1, prompt=["a"], completion=["b"], exact=[1.0]) / "completions"
                           / "completions_00002.parquet").write_bytes(b"PAR1torn"),
    "verifiers": lambda folder: write_lines(folder / "traces.jsonl", [episode(), {"id": "x"}]),
    "empty": lambda folder: write_verl(folder, [], 1, end=""),
}  # fmt: skip


@pytest.mark.parametrize("kind", BROKEN)
@pytest.mark.parametrize("there", [True, False])
def test_a_failed_import_leaves_nothing_behind(tmp_path: Path, kind: str, there: bool) -> None:
    BROKEN[kind](tmp_path / "source")
    if there:
        (tmp_path / "runs").mkdir()
    with pytest.raises(ValueError, match=r"\w"):
        import_run(tmp_path / "source", tmp_path / "runs")
    assert (tmp_path / "runs").exists() == there
    assert not there or not list((tmp_path / "runs").iterdir())


def test_names_of_folders_and_of_runs(tmp_path: Path) -> None:
    folder = write_verl(tmp_path / "my dump (2)", [row()])
    names = [import_run(folder, tmp_path / "runs").name for _ in range(3)]
    assert names == ["my-dump-2", "my-dump-2-2", "my-dump-2-3"]
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == names
