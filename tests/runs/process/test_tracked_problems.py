"""Probes as a table of the run, and what a config that cannot probe, or does not fit, is told."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy
import pyarrow.parquet as pq
import pytest

from tests.runs.fake import make_columns
from tests.runs.real_run import make_run
from workbench.config import RunConfig
from workbench.kinds import Task
from workbench.runs.checkpoints.inherit import inherit
from workbench.runs.directory.paths import RunDirectory
from workbench.runs.open import Run
from workbench.runs.process.build import advice, errors
from workbench.runs.process.recorder import Recorder
from workbench.runs.process.worker import work
from workbench.training import checkpoint
from workbench.training.evaluation import WAITING
from workbench.types import Problem

WEIGHTS = numpy.linspace(0.1, 0.8, 8)
AGAIN = {"evaluation": {"probes": 2, "probe_rollouts": 4, "every": 2}, "record": {"after": 1}}


@dataclass(frozen=True)
class Two(Task):
    """Two held-out problems, and as many to train on as wanted."""

    def problem(self, number: int, split: Literal["train", "test"]) -> Problem:
        return Problem(f"{split} {number}", f"{number} + 1", str(number + 1))

    def size(self, split: Literal["train", "test"]) -> int | None:
        return 2 if split == "test" else None


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of three steps whose probes, of steps 0 and 2, are scored again after steps 1 and 3."""
    return make_run(tmp_path_factory.mktemp("whole"), **AGAIN)


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


def test_what_the_next_step_did_to_them_is_put_beside_them(directory: RunDirectory) -> None:
    recorder, after = Recorder(directory, attempt=1), WEIGHTS.astype(numpy.float32) - 1
    recorder.step(0, {}, probes=make_columns(0, WEIGHTS))
    before = Run(directory).probes(0)
    recorder.again(1, {"step": 0, "after_logprob": after})
    found = Run(directory).probes(0)
    assert before["after_logprob"].isna().all()
    assert [len(values) for values in found["after_logprob"]] == [3, 1, 4]
    numpy.testing.assert_array_equal(numpy.concatenate(found["after_logprob"].to_list()), after)
    rest = [name for name in before if name != "after_logprob"]
    assert found.columns.tolist() == before.columns.tolist()
    assert repr(found[rest].to_dict()) == repr(before[rest].to_dict())
    assert not list(directory.probes.glob(".*"))  # no draft stays


@pytest.mark.parametrize("broken", ["gone", "torn", "another"])
def test_probes_that_cannot_be_added_to_are_noted_and_left_alone(directory: RunDirectory, broken: str) -> None:
    recorder, file = Recorder(directory, attempt=1), directory.probe_file(0)
    if broken != "gone":
        recorder.step(0, {}, probes=make_columns(0, WEIGHTS, (3, 1) if broken == "another" else (3, 1, 4)))
    if broken == "torn":
        file.write_bytes(file.read_bytes()[:100])
    kept = file.read_bytes() if file.exists() else None
    recorder.again(1, {"step": 0, "after_logprob": WEIGHTS.astype(numpy.float32)})
    event = Run(directory).event_lines()[-1]
    assert (event["kind"], event["step"]) == ("note", 1)
    wanted = "has shape" if broken == "another" else "step-000000.parquet cannot be read"
    assert event["text"].startswith("what step 1 did to the probes is not on record: ")
    assert wanted in event["text"]
    assert (file.read_bytes() if file.exists() else None) == kept


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_run_that_dies_around_their_second_score_is_gone_on_with_bit_for_bit(
    whole: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """Before they are scored again, the checkpoint alone knows them; after it, the step itself does not exist yet."""
    with monkeypatch.context() as patch:
        name = {"before": "again", "after": "step"}[moment]
        going_on = getattr(Recorder, name)

        def dying(self: Recorder, number: int, *rest: Any, **named: Any) -> Any:
            if number == 3:
                raise RuntimeError("killed")
            return going_on(self, number, *rest, **named)

        patch.setattr(Recorder, name, dying)
        with pytest.raises(AssertionError):  # the trainer did not reach its end
            make_run(tmp_path / "killed", **AGAIN)
    directory = RunDirectory(tmp_path / "killed" / "parent")
    known = pq.read_table(directory.probe_file(2))["after_logprob"].null_count == 0
    assert known is (moment == "after")
    assert work(directory, 2) == 0
    assert Run(directory).steps("probes") == [0, 2, 3]
    for step, scored in ((0, True), (2, True), (3, False)):
        one, other = (Run(each).probes(step) for each in (whole.directory, directory))
        assert repr(one.to_dict()) == repr(other.to_dict())
        assert one["after_logprob"].notna().all() == scored


def test_a_fork_does_not_score_the_probes_of_its_parent_again(whole: Run) -> None:
    weights, state = checkpoint.read(whole.directory.checkpoints / "step-000002")
    assert len(state["states"][WAITING]["rows"]) == 8
    inherited = inherit(weights, state, whole.config, whole.config)
    assert WAITING not in inherited.state["states"]  # their file lies in the parent's folder
    assert inherited.anew == []


def test_a_run_from_before_there_were_probes_is_gone_on_with(directory: RunDirectory) -> None:
    directory.probes.rmdir()
    recorder = Recorder(directory, attempt=2)
    recorder.step(0, {}, probes=make_columns(0, WEIGHTS))
    recorder.close()
    assert Run(directory).steps("probes") == [0]


def test_more_probes_than_held_out_problems_are_refused() -> None:
    assert errors(config()) == ["evaluation.probes = 4: the task has 2 test problems; set at most 2"]
    assert errors(config(probes=2)) == []
    assert errors(config(problems=0)) == []  # without an evaluation no problems are tracked


def test_the_advice_is_the_forecasts() -> None:
    told = advice(config(), 40)
    assert "GiB free on cpu: set training.micro_batch = " in told
