"""Two trainers are never in one directory, whoever starts them at once, sets the clock or removes the lock."""

import dataclasses
import json
import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.runs.fake import FakeTrainer
from workbench.runs.directory.checkpoint import newest_checkpoint
from workbench.runs.directory.lock import Identity, Lock, LockedError
from workbench.runs.directory.paths import RunDirectory, read_json, write_json
from workbench.runs.directory.status import Heartbeat, read_status
from workbench.runs.open import Run
from workbench.runs.process.job import Job
from workbench.runs.process.start import start
from workbench.runs.process.worker import work

CONTENDERS = 3


class Alone(FakeTrainer):
    """A trainer that leaves a note where it finds another one in its directory."""

    folder: Path

    def __iter__(self) -> Any:
        marker = self.folder / "inside"
        try:
            os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            (self.folder / "two").touch()
        yield from super().__iter__()
        marker.unlink(missing_ok=True)


def alone(directory: RunDirectory) -> Job:
    """A trainer of three steps that take a moment, at its newest checkpoint."""
    trainer, newest = Alone(steps=3, seconds=0.002), newest_checkpoint(directory)
    trainer.folder = directory.path
    if newest is not None:
        trainer.load(newest.path)
    return Job(trainer, trainer.steps)


@dataclasses.dataclass(frozen=True)
class Forked:
    """Starts the trainer in a fork of this process, whose clock is set as the dice say."""

    seed: int

    def start(self, directory: RunDirectory, attempt: int) -> Identity:
        child = os.fork()
        if child == 0:
            set_clock(self.seed)
            quiet()
            os._exit(work(directory, attempt, alone))
        return Identity.of(child)


def set_clock(seed: int) -> None:
    """In a forked process: wall clock and boot time are off by an hour, one way or the other, or right."""
    step, now, booted = random.Random(seed).choice((-3600, 0, 3600)), time.time, psutil.boot_time
    time.time = lambda: now() + step
    psutil.boot_time = lambda: booted() + step


def quiet() -> None:
    """What a forked process prints goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(1, 2)


def contend(directory: RunDirectory, seed: int) -> int:
    """A forked process that resumes the run; its exit code is 0 where it started a trainer, 3 where it was refused."""
    child = os.fork()
    if child:
        return child
    set_clock(seed)
    quiet()
    code = 9
    try:
        start(directory, Forked(seed + 1))
        os.wait()
        code = 0
    except LockedError:
        code = 3
    finally:
        os._exit(code)


@pytest.mark.parametrize("tries", [20, pytest.param(200, marks=pytest.mark.soak)])
def test_simultaneous_resumes_with_clocks_that_are_set_give_one_trainer(tmp_path: Path, tries: int) -> None:
    codes = []
    for number in range(tries):
        directory = RunDirectory(tmp_path / str(number)).create()
        Heartbeat(directory, 0, 3, state="queued").beat()
        children = [contend(directory, 10 * number + who) for who in range(CONTENDERS)]
        codes += [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        assert not (directory.path / "two").exists(), f"two trainers in try {number}"
        assert read_status(directory).state == "finished"
    assert set(codes) <= {0, 3}
    assert codes.count(0) >= tries


@pytest.fixture
def resting(directory: RunDirectory, here: Callable[..., int]) -> RunDirectory:
    """A run that a trainer works on: this process."""
    assert here(steps=2) == 0
    heart = Heartbeat(directory, 1, 9, "running", "generate", 2)
    heart.beat()
    write_json(directory.pid, {**dataclasses.asdict(Identity.of(os.getppid())), "attempt": 1})
    return directory


def test_a_lock_file_that_was_removed_under_a_living_trainer_lets_nobody_in(resting: RunDirectory) -> None:
    resting.lock.unlink()
    assert read_status(resting).state == "running"
    with pytest.raises(LockedError, match=f"has a trainer already: process {os.getppid()}"):
        start(resting, Forked(0))
    assert work(resting, 7, alone) == 3
    assert not (resting.path / "two").exists()


def test_a_command_that_did_nothing_says_so(resting: RunDirectory) -> None:
    write_json(resting.lock, dataclasses.asdict(Identity.of(os.getppid())))
    reply = Run(resting).resume()
    assert (reply["result"], "nothing was done" in reply["text"]) == ("unchanged", True)
    Heartbeat(resting, 1, 2, "finished", "end", 2).beat()
    with pytest.raises(ValueError, match=r"has finished all its steps: nothing was done; .*start a fork"):
        Run(resting).resume()


@pytest.mark.parametrize("pulse", [0, 1000])
def test_a_run_of_a_machine_that_is_gone_is_taken_over_when_asked(resting: RunDirectory, pulse: float) -> None:
    lost = {"pid": 4242, "started": 1.0, "host": "gone-container", "boot": "x"}
    resting.lock.write_text(json.dumps(lost))
    write_json(resting.pid, {**lost, "attempt": 1})
    os.utime(resting.lock, (time.time() - pulse,) * 2)
    write_json(resting.status, {**read_json(resting.status), "boot": "x", "time": time.time() - 86400})
    run = Run(resting, Forked(0))
    with pytest.raises(ValueError, match=r"was not resumed: .*4242 on gone-container.*--take-over"):
        run.resume()
    assert run.resume(take_over=True)["result"] == "done"
    assert run.wait(timeout=30).state == "finished"


def test_a_lock_that_is_held_is_not_taken_over(resting: RunDirectory) -> None:
    with Lock(resting.lock), pytest.MonkeyPatch.context() as patch:
        patch.setattr("workbench.runs.directory.lock.WAIT", 0.05)
        with pytest.raises(LockedError):
            start(resting, Forked(0), take_over=True)


def test_a_forked_child_does_not_keep_the_lock_of_its_parent(tmp_path: Path) -> None:
    read, write = os.pipe()
    with Lock(tmp_path / "lock"):
        child = os.fork()
        if child == 0:
            os.read(read, 1)
            os._exit(0)
    with Lock(tmp_path / "lock"):
        os.write(write, b"x")
    os.waitpid(child, 0)
