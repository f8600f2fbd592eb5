"""Ledger and stock of a run: written before its checkpoint, cut after a kill, kept by a fork; always the same bits."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from scripts.sources import ROOT
from tests.runs.growing import growing_config, prepared
from tests.runs.real_run import Here
from workbench.kinds import Pick, Pool, Sampler, Survey
from workbench.runs.checkpoints.fork import fork
from workbench.runs.directory.lines import LineWriter, read_lines
from workbench.runs.directory.paths import RunDirectory
from workbench.runs.open import Run, open_run
from workbench.runs.process.attempt import Worker
from workbench.runs.process.build import errors
from workbench.runs.process.recorder import Recorder
from workbench.runs.process.worker import work
from workbench.types import State

NAMES = ("ledger.jsonl", "problems.jsonl")


class KilledError(BaseException):
    """What a kill looks like from inside: nothing after it happens."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The run that was never killed."""
    directory = prepared(tmp_path_factory.mktemp("whole"))
    assert work(directory, 1) == 0, directory.events.read_text()
    return open_run(directory.path)


def contents(run: Run | RunDirectory) -> tuple[list[bytes], Any]:
    """What must not depend on a kill."""
    lines, _ = read_lines(run.path / "metrics.jsonl")
    rewards = {line["step"]: (line.get("reward"), line.get("grad_norm"), line.get("accuracy")) for line in lines}
    return [(run.path / name).read_bytes() for name in NAMES], rewards


def test_a_run_keeps_what_it_saw_and_made(whole: Run) -> None:
    ledger, _ = read_lines(whole.path / "ledger.jsonl")
    problems, _ = read_lines(whole.path / "problems.jsonl")
    assert [line["step"] for line in ledger] == [0, 1, 2, 3, 4]
    assert [len(line["visits"]) for line in ledger] == [6, 4, 4, 4, 4]
    assert [line["key"] for line in problems] == [f"more-{n}" for n in range(16)]
    assert {line["step"] for line in problems} == {1, 2, 3, 4}
    asked = whole.rollouts(3, ("problem",))["problem"].unique().tolist()
    assert asked[:2] == ["more-7", "more-6"]


def dying(monkeypatch: pytest.MonkeyPatch, moment: str, step: int = 3) -> None:
    """Has the trainer end at a moment of a step as if it were killed."""
    remember, save, write = Recorder.remember, Worker.save, LineWriter.write

    def remembering(recorder: Recorder, journal: Any) -> None:
        if moment == "before the ledger" and journal["ledger"][0]["step"] == step:
            raise KilledError
        remember(recorder, journal)

    def saving(worker: Worker, number: int, *rest: Any) -> Any:
        if moment == "before the checkpoint" and number == step:
            raise KilledError
        return save(worker, number, *rest)

    def writing(writer: LineWriter, value: Any) -> None:
        name = writer.path.name
        if moment == "in a line" and name == "problems.jsonl" and value["key"] == "more-9":
            os.write(writer.file.fileno(), b'{"step": 3, "key": "mo')
            raise KilledError
        if moment == "before the metrics" and name == "metrics.jsonl" and value["step"] == step:
            raise KilledError
        write(writer, value)

    monkeypatch.setattr(Recorder, "remember", remembering)
    monkeypatch.setattr(Worker, "save", saving)
    monkeypatch.setattr(LineWriter, "write", writing)


@pytest.mark.parametrize("moment", ["before the ledger", "in a line", "before the checkpoint", "before the metrics"])
def test_killed_anywhere_a_step_is_done_again_with_the_same_bits(
    whole: Run, moment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = prepared(tmp_path)
    dying(monkeypatch, moment)
    with pytest.raises(KilledError):
        work(directory, 1)
    monkeypatch.undo()
    assert work(directory, 2) == 0, directory.events.read_text()
    assert contents(directory) == contents(whole)


def test_after_kill_nine_too(whole: Run, tmp_path: Path) -> None:
    directory = prepared(tmp_path)
    found = subprocess.run(
        [sys.executable, "-m", "tests.runs.growing", str(directory.path), "2"], cwd=ROOT, check=False
    )
    assert found.returncode == -signal.SIGKILL
    assert len(read_lines(directory.path / "ledger.jsonl")[0]) == 3  # one more than the checkpoint knows
    assert work(directory, 2) == 0, directory.events.read_text()
    assert contents(directory) == contents(whole)


def test_a_fork_keeps_both_and_another_task_begins_with_neither(whole: Run) -> None:
    same = fork(whole, 2, "same", Here())
    assert contents(same) == contents(whole)
    other = fork(whole, 2, "other", Here(), task={"task": "two_numbers"}, training={"steps": 3})
    assert [line["step"] for line in read_lines(other.path / "ledger.jsonl")[0]] == [3]
    (event,) = [line for line in other.event_lines() if line["kind"] == "forked"]
    assert "ledger and stock, which are of another task, begin anew" in event["text"]


def test_a_fork_from_before_training_keeps_the_survey(whole: Run) -> None:
    run = fork(whole, 0, "again", Here(), training={"steps": 2})
    lines = (run.path / "ledger.jsonl").read_bytes().splitlines()
    assert lines == (whole.path / "ledger.jsonl").read_bytes().splitlines()[:3]


@pytest.mark.parametrize("name", NAMES)
def test_a_broken_line_stops_a_resume_with_one_message(name: str, tmp_path: Path) -> None:
    directory = prepared(tmp_path, steps=2)
    assert work(directory, 1) == 0
    path = directory.path / name
    good = path.read_bytes()
    path.write_bytes(good.replace(b'"step": 1', b'"step": 7', 1))
    assert work(directory, 2) == 1
    assert f"{name}: the line at byte" in (open_run(directory.path).status.text or "")
    path.write_bytes(good[: good.index(b"\n") + 1])
    assert work(directory, 3) == 1
    assert "lines that the checkpoint was written with: put back the file" in (
        open_run(directory.path).status.text or ""
    )
    path.write_bytes(good)
    assert work(directory, 4) == 0


def test_a_survey_of_an_endless_task_needs_a_bound() -> None:
    @dataclass(frozen=True)
    class SurveysAll(Sampler):
        """Wants to know every problem."""

        @property
        def survey(self) -> Survey | None:
            return Survey(8)

        def __call__(self, state: State, pool: Pool) -> tuple[list[Pick], State]:
            return [], state

    try:
        found = errors(growing_config(method={"method": "grpo", "sampler": "surveys_all"}))
    finally:
        del Sampler.registry["surveys_all"]
    assert found == [
        "method.sampler = 'surveys_all' asks every problem before the first step, and task word_problems has no end of "
        "them: set how many it surveys"
    ]
