"""A study of two arms, played whole, killed in the middle of a play, and with a play that fails."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from workbench.cli import app
from workbench.runs.directory.paths import RunDirectory
from workbench.runs.open import Run
from workbench.study.plan import Plan
from workbench.study.play import play
from workbench.study.plays import Plays, play_all
from workbench.training.trainer import Trainer

SMALL = Path(__file__).with_name("small.toml")
OWN = ("training",)  # of a line: what the machine says


@pytest.fixture(scope="module")
def plan():
    return Plan.load(SMALL)


@pytest.fixture(scope="module")
def played(plan, tmp_path_factory):
    """The folder of a study that was played whole: its file of plays, and its runs."""
    folder = tmp_path_factory.mktemp("study")
    play_all(plan, Plays(folder / "plays.jsonl"), folder / "runs")
    return folder


def test_every_arm_is_played_at_equal_cost_in_tokens(plan, played):
    lines = {line["arm"]: line for line in Plays(played / "plays.jsonl").of(plan)}
    assert set(lines) == {"base", "sft", "grpo"}
    for arm in ("sft", "grpo"):
        spent = lines[arm]["tokens"] + lines[arm]["given_tokens"]
        assert plan.tokens <= spent < plan.tokens + spent / (lines[arm]["steps"] - 1)  # the last step may overshoot
        assert lines[arm]["steps"] < 20
        assert lines[arm]["weights"]["changed"]["exact"] > lines[arm]["weights"]["changed"]["bfloat16"]
        assert [tally[1] for tally in lines[arm]["tallies"]] == [8] * 6
    assert lines["sft"]["tokens"] == 0
    assert lines["grpo"]["given_tokens"] == 0
    assert (lines["base"]["steps"], "weights" in lines["base"]) == (0, False)


def test_what_is_on_record_is_not_played_again(plan, played, monkeypatch):
    monkeypatch.setattr("workbench.study.plays.play", None)
    assert len(play_all(plan, Plays(played / "plays.jsonl"), played / "none")) == 3
    assert not (played / "none").exists()


class Killed(BaseException):
    """As `kill -9`: nothing that follows in the process is run by the trainer."""


def test_a_study_that_was_killed_continues_bit_for_bit(plan, played, tmp_path, monkeypatch):
    step = Trainer.take_step
    monkeypatch.setattr(Trainer, "take_step", lambda trainer: step(trainer) if trainer.step < 3 else die())

    def die():
        raise Killed

    with pytest.raises(Killed):
        play(plan, "grpo", 0, tmp_path)
    monkeypatch.setattr(Trainer, "take_step", step)
    line = play(plan, "grpo", 0, tmp_path)
    whole = Plays(played / "plays.jsonl").found(plan, "grpo", 0)
    assert whole["training"]["cpu_seconds"] is not None
    assert line["training"]["cpu_seconds"] is None
    assert {**line, "training": 0} == {**whole, "training": 0}
    found = Run(RunDirectory(tmp_path / f"small-{plan.digest('grpo')}" / "grpo-0"))
    assert [event["kind"] for event in found.event_lines()].count("resumed") == 1


def test_a_play_that_fails_is_on_record_with_its_reason(plan, tmp_path, monkeypatch):
    def broken(trainer):
        raise ValueError("no step can be made")

    monkeypatch.setattr(Trainer, "take_step", broken)
    plays = Plays(tmp_path / "plays.jsonl")
    (line,) = play_all(plan, plays, tmp_path / "runs", arms=["grpo"])
    assert "no step can be made" in line["failed"]
    assert Plays(plays.path).lines == [line]


def test_a_torn_line_is_left_out_and_the_next_one_stands_by_itself(plan, played, tmp_path):
    file = tmp_path / "plays.jsonl"
    shutil.copy(played / "plays.jsonl", file)
    with file.open("a") as torn:
        torn.write('{"study": "small", "ar')
    plays = Plays(file)
    assert len(plays.lines) == 3
    plays.add({"study": "other"})
    assert [line["study"] for line in Plays(file).lines] == ["small"] * 3 + ["other"]


def test_the_command_reports_what_is_on_record(played):
    words = ["study", str(SMALL), "--plays", str(played / "plays.jsonl"), "--report"]
    told = CliRunner().invoke(app, words)
    assert told.exit_code == 0, told.output
    assert "| sft | 1 |" in told.output
    assert "cannot be told at this size" in told.output
    document = json.loads(CliRunner().invoke(app, [*words, "--json"]).output.splitlines()[-1])
    assert document["arms"]["grpo"]["plays"] == 1
    unknown = CliRunner().invoke(app, [*words, "--arm", "azr"])
    assert "--arm azr" in str(unknown.exception)
    none = CliRunner().invoke(app, ["study", str(SMALL), "--plays", str(played / "absent.jsonl"), "--report"])
    assert "no play is on record: run the study first" in str(none.exception)
