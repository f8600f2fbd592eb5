"""Forks: the same run from a checkpoint on, with other settings or with none."""

import dataclasses
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.runs.real_run import Here, Nobody, same, shared_run
from workbench.runs.checkpoints import fork as forking
from workbench.runs.checkpoints.available import checkpoints
from workbench.runs.checkpoints.fork import fork
from workbench.runs.directory.checkpoint import newest_checkpoint
from workbench.runs.directory.lines import LineWriter
from workbench.runs.directory.paths import RunDirectory, new_directory, read_json, write_json
from workbench.runs.directory.record import read_table
from workbench.runs.open import Run, open_run
from workbench.runs.prepare import prepare
from workbench.runs.process.job import Job, from_config
from workbench.runs.process.start import start
from workbench.runs.process.worker import work
from workbench.training import checkpoint

CLOCKS = ("time", "attempt", "seconds")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run of three steps."""
    return shared_run(tmp_path_factory)


@pytest.fixture
def parent(shared: Run, tmp_path: Path) -> Run:
    """The same, alone in its folder."""
    shutil.copytree(shared.path, tmp_path / "runs" / "parent")
    return open_run(tmp_path / "runs" / "parent")


def timeless(line: dict[str, Any]) -> dict[str, Any]:
    """What does not depend on the clock."""
    return {name: value for name, value in line.items() if name.split(".")[0] not in CLOCKS}


def state_of(run: Run, step: int) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """A checkpoint's content."""
    return checkpoint.read(checkpoints(run.directory)[step].path)


# ------------------------------------------------------------------------------------------- the same run


def test_a_fork_without_a_change_goes_on_bit_for_bit_as_its_parent(parent: Run) -> None:
    run = fork(parent, 1, launcher=Here())
    assert run.status.state == "finished"
    assert run.name == "parent-from-1"
    assert run.config == parent.config.replace(name=run.name)
    for step in (1, 2, 3):
        assert same(state_of(run, step), state_of(parent, step))
    for step in (2, 3):
        own, other = (read_table(one.file("rollouts", step)).to_pylist() for one in (run, parent))
        assert repr(own) == repr(other)  # to the last digit; nan, where nothing was recorded, equals nan
    assert [timeless(line) for line in run.lines()] == [timeless(line) for line in parent.lines()]
    assert run.steps() == [2, 3]  # rollouts of step 1 stay with the parent


def test_a_fork_keeps_its_parents_curves_and_says_where_it_comes_from(parent: Run) -> None:
    before = {path: path.stat().st_mtime_ns for path in parent.path.rglob("*")}
    events = LineWriter(parent.directory.events)
    events.write({"attempt": 1, "time": 1.0, "step": 2, "kind": "note", "text": "seen in step 2"})
    events.write({"attempt": 1, "time": 2.0, "step": 2, "kind": "set", "text": "after step 2"})
    events.write({"attempt": 1, "time": 2.0, "step": 3, "kind": "note", "text": "seen in step 3"})
    events.close()
    run = fork(parent, 2, "other", Nobody(), training={"learning_rate": 1e-4, "steps": 5}, seed=3)
    assert [line["step"] for line in run.lines()] == [0, 1, 2]
    assert {line["attempt"] for line in [*run.lines(), *run.event_lines()]} == {0}
    *copied, event = run.event_lines()
    assert [line["text"] for line in copied] == ["from the beginning", "seen in step 2"]
    assert event["kind"] == "forked"
    assert event["step"] == 2
    assert event["changes"] == {
        "seed": {"old": 0, "new": 3},
        "training.steps": {"old": 3, "new": 5},
        "training.learning_rate": {"old": 3e-4, "new": 1e-4},
    }
    assert event["text"].startswith("from parent after step 2; seed: 0 -> 3; training.")
    environment = read_json(run.directory.environment)
    assert environment["seed"] == 3
    assert environment["parent"] == {"path": str(parent.path), "name": "parent", "step": 2, "attempt": 1}
    assert environment["folder"] == read_json(parent.directory.environment)["folder"]
    after = {path: path.stat().st_mtime_ns for path in parent.path.rglob("*")}
    assert after == {**before, parent.directory.events: after[parent.directory.events]}


def test_a_fork_of_a_fork_and_a_fork_that_was_killed_go_on(parent: Run) -> None:
    first = fork(parent, 2, launcher=Nobody(), training={"steps": 4})
    assert first.status.state == "starting"
    assert newest_checkpoint(first.directory).step == 2  # type: ignore[union-attr]
    Here().start(first.directory, 1)
    assert [line["step"] for line in first.lines()] == [0, 1, 2, 3, 4]
    second = fork(first, 3, launcher=Here())
    assert second.name == "parent-from-2-from-3"
    assert [line["step"] for line in second.lines()] == [0, 1, 2, 3, 4]
    assert same(state_of(second, 4), state_of(first, 4))
    kinds = [event["kind"] for event in second.event_lines()]
    assert kinds == ["started", "forked", "resumed", "forked", "resumed", "finished"]


def test_the_newest_checkpoint_is_meant_where_no_step_is_named(parent: Run) -> None:
    run = fork(parent, launcher=Nobody(), training={"steps": 4})
    assert run.name == "parent-from-3"
    assert fork(parent.path, launcher=Nobody(), training={"steps": 4}).name == "parent-from-3-2"


def test_a_fork_from_before_the_first_step_begins_anew(parent: Run) -> None:
    run = fork(parent, 0, launcher=Nobody())
    assert read_json(run.directory.environment)["parent"] == {
        "path": str(parent.path), "name": "parent", "step": 0, "attempt": 0
    }  # fmt: skip
    assert [line["step"] for line in run.lines()] == [0]  # the curve of the parent, until its own is there
    assert list(checkpoints(run.directory)) == []
    Here().start(run.directory, 1)
    assert [line["attempt"] for line in run.lines()] == [1] * 4
    assert [line["kind"] for line in run.event_lines()] == ["started", "forked", "started", "finished"]
    assert same(state_of(run, 3), state_of(parent, 3))
    other = fork(parent, 0, launcher=Nobody(), training={"learning_rate": 1e-4})
    assert other.event_lines()[-1]["text"] == "from parent after step 0; training.learning_rate: 0.0003 -> 0.0001"


# ------------------------------------------------------------------------------------------- another run


def test_a_method_with_a_head_begins_it_anew_and_keeps_the_policys_optimiser(parent: Run) -> None:
    run = fork(parent, 2, launcher=Here(), method={"method": "ppo"}, training={"steps": 4})
    assert run.status.state == "finished"
    event = next(line for line in run.event_lines() if line["kind"] == "forked")
    assert "method.method: grpo -> ppo" in event["text"]
    assert "heads begin anew (value)" in event["text"]
    weights, state = state_of(run, 2)
    known, before = state_of(parent, 2)
    assert {name for name in weights if name.startswith("head.")} > set()
    assert all(torch.equal(weights[name], known[name]) for name in known)
    assert same(state["optimiser"]["state"], before["optimiser"]["state"])
    assert len(state["optimiser"]["groups"]) == 2
    back = fork(run, 3, launcher=Here(), method={"method": "grpo"})
    assert back.status.state == "finished"
    assert not [name for name in state_of(back, 3)[0] if name.startswith("head.")]


# ------------------------------------------------------------------------------------------- what cannot be


@pytest.mark.parametrize(
    ("step", "changes", "told"),
    [
        (9, {}, r"no checkpoint of step 9; there are: 0-3"),
        (3, {}, r"training.steps = 3: the fork begins after step 3; set more"),
        (2, {"training": {"steps": 1}}, r"training.steps = 1: the fork begins after step 2"),
        (1, {"model": {"lora": {"rank": 4}}}, r"goes on with the weights of its parent; launch a new run"),
        (1, {"model": {"name": "elsewhere"}}, r"goes on with the weights of its parent"),
        (1, {"training": {"stepz": 9}, "extra": 1}, r"training.stepz: no such field(.|\n)*extra: no such field"),
        (1, {"method": {"method": "nobody"}}, r"no method is called 'nobody'"),
        (1, {"rollouts": {"rollouts": 1}}, r"rollouts.rollouts = 1"),
        (1, {"evaluation": {"problems": 0}, "rollouts": {"max_tokens": 9999}}, r"rollouts.max_tokens = 9999"),
    ],
)
def test_senseless_forks_are_refused_and_nothing_is_written(
    parent: Run, step: int, changes: dict[str, Any], told: str
) -> None:
    with pytest.raises(ValueError, match=told):
        fork(parent, step, launcher=Nobody(), **changes)
    assert [path.name for path in parent.path.parent.iterdir()] == ["parent"]


def test_a_name_that_is_none_and_a_run_of_a_later_version_are_refused(parent: Run) -> None:
    with pytest.raises(ValueError, match="is no name for a run"):
        fork(parent, 1, "../elsewhere", Nobody())
    write_json(parent.directory.format, {"format": 99, "kind": "run"})
    with pytest.raises(ValueError, match="upgrade rlvr-workbench"):
        fork(parent, 1, launcher=Nobody())


def test_a_fork_that_fails_leaves_nothing(parent: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(forking, "write_state", broken)
    with pytest.raises(OSError, match="No space left"):
        fork(parent, 1, launcher=Nobody())
    assert [path.name for path in parent.path.parent.iterdir()] == ["parent"]


@dataclass
class Forked:
    """A trainer whose run is forked while it takes its last step."""

    trainer: Any
    run: Run
    forks: list[Run]
    on_phase: Any = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.trainer, name)

    def __iter__(self) -> Iterator[Any]:
        for step in self.trainer:
            if step.number == 3:
                assert self.run.status.state == "running"
                self.forks.append(fork(self.run, launcher=Nobody()))
            yield step


def test_a_run_is_forked_while_it_goes_on(parent: Run, tmp_path: Path) -> None:
    config = parent.config.replace(name="young")
    directory = prepare(config, new_directory(tmp_path / "runs", "young"), config.to_toml())
    forks: list[Run] = []

    def source(directory: RunDirectory) -> Job:
        job = from_config(directory)
        return dataclasses.replace(job, trainer=Forked(job.trainer, Run(directory), forks))

    start(directory, Nobody())
    assert work(directory, 1, source) == 0
    assert same(state_of(Run(directory), 3), state_of(parent, 3))
    Here().start(forks[0].directory, 1)
    assert forks[0].name == "young-from-2"
    assert same(state_of(forks[0], 3), state_of(parent, 3))
