"""A run of self-play: its stock and its state outlive a kill and a fork bit for bit, its rollouts are counted ahead."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.sources import ROOT
from tests.runs.playing import playing_config, prepared
from tests.runs.process.test_journals import contents
from tests.runs.real_run import Here
from workbench.planning.memory import most_rollouts
from workbench.runs.checkpoints.fork import fork
from workbench.runs.directory.lines import read_lines
from workbench.runs.open import Run, open_run
from workbench.runs.process.worker import work


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The run that was never killed."""
    directory = prepared(tmp_path_factory.mktemp("whole"))
    assert work(directory, 1) == 0, directory.events.read_text()
    return open_run(directory.path)


def test_proposals_and_seeds_are_in_the_stock_with_their_step(whole: Run) -> None:
    problems, _ = read_lines(whole.path / "problems.jsonl")
    assert {line["step"] for line in problems} >= {1, 2}
    assert {line["source"] for line in problems} == {"short", "long"}
    rated = [line for line in problems if "rate" in line["data"]]
    rows = whole.rollouts(rated[0]["step"], ("role", "group", "problem", "parts"))
    tries = rows[rows["group"] == rated[0]["data"]["group"]]
    assert set(tries["role"]) == {"try"}
    assert set(tries["problem"]) == {rated[0]["key"]}


def test_reasons_and_metrics_are_on_record(whole: Run) -> None:
    lines, _ = read_lines(whole.path / "metrics.jsonl")
    last = lines[-1]
    for name in ("valid.propose", "valid.propose.short", "commonest_skeleton.propose", "stock", "stock.long"):
        assert name in last, name
    rows = whole.rollouts(4, ("role", "parts"))
    reasons = [parts[0]["reason"] for role, parts in zip(rows["role"], rows["parts"], strict=True) if role == "propose"]
    assert len(reasons) == 4
    assert all(reasons)


def test_after_kill_nine_the_run_is_the_same_bit_for_bit(whole: Run, tmp_path: Path) -> None:
    directory = prepared(tmp_path)
    command = [sys.executable, "-m", "tests.runs.playing", str(directory.path), "2"]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == -signal.SIGKILL
    assert len(read_lines(directory.path / "ledger.jsonl")[0]) == 2  # one more than the checkpoint knows
    assert work(directory, 2) == 0, directory.events.read_text()
    assert contents(directory) == contents(whole)


def test_a_fork_keeps_the_stock(whole: Run) -> None:
    assert contents(fork(whole, 2, "same", Here())) == contents(whole)


def test_the_forecast_counts_every_rollout(whole: Run) -> None:
    lines, _ = read_lines(whole.path / "metrics.jsonl")
    most = most_rollouts(playing_config())
    assert max(line["rollouts"] for line in lines if "rollouts" in line) <= most == 12 + 12
