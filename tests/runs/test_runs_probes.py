"""Probes as a table of the run, and what a config that cannot probe, or does not fit, is told."""

from dataclasses import dataclass
from typing import Literal

import numpy
import pytest

from tests.runs.fake import make_columns
from workbench.config import RunConfig
from workbench.kinds import Task
from workbench.runs.build import advice, problems
from workbench.runs.directory import RunDirectory
from workbench.runs.open import Run
from workbench.runs.recorder import Recorder
from workbench.types import Problem

WEIGHTS = numpy.linspace(0.1, 0.8, 8)


@dataclass(frozen=True)
class Two(Task):
    """Two held-out problems, and as many to train on as wanted."""

    def problem(self, number: int, split: Literal["train", "test"]) -> Problem:
        return Problem(f"{split} {number}", f"{number} + 1", str(number + 1))

    def size(self, split: Literal["train", "test"]) -> int | None:
        return 2 if split == "test" else None


def config(**evaluation: int) -> RunConfig:
    """A run on two held-out problems."""
    return RunConfig(task=Two(), rewards=["exact"], method="grpo", evaluation={"problems": 2, **evaluation})


def test_probes_are_a_third_table(directory: RunDirectory) -> None:
    recorder = Recorder(directory, attempt=1)
    recorder.step(0, {"accuracy": 0.5}, None, {"step": [0], "correct": [1.0]}, make_columns(0, WEIGHTS))
    recorder.step(1, {"reward": 0.5}, make_columns(1, WEIGHTS))
    recorder.close()
    run = Run(directory)
    assert (run.steps("rollouts"), run.steps("evaluations"), run.steps("probes")) == ([1], [0], [0])
    frame = run.probes(0)
    assert len(frame) == 3
    assert [len(values) for values in frame["logprob"]] == [3, 1, 4]
    assert list(frame.columns) == list(run.rollouts(1).columns)
    assert run.query("select count(*) as n from probes")["n"].tolist() == [3]
    with pytest.raises(ValueError, match=r"has no probes of step 1; there are: 0"):
        run.probes(1)
    with pytest.raises(ValueError, match="'samples' is no table of a run; there are: rollouts, evaluations, probes"):
        run.steps("samples")


def test_a_run_from_before_there_were_probes_is_gone_on_with(directory: RunDirectory) -> None:
    directory.probes.rmdir()
    recorder = Recorder(directory, attempt=2)
    recorder.step(0, {}, probes=make_columns(0, WEIGHTS))
    recorder.close()
    assert Run(directory).steps("probes") == [0]


def test_more_probes_than_held_out_problems_are_refused() -> None:
    assert problems(config()) == ["evaluation.probes = 4: the task has 2 test problems; set at most 2"]
    assert problems(config(probes=2)) == []
    assert problems(config(problems=0)) == []  # without an evaluation nobody is probed


def test_the_advice_is_the_forecasts() -> None:
    told = advice(config(), 40)
    assert "GiB free on cpu: set training.micro_batch = " in told
