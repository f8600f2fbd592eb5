"""The real trainer, killed at random moments: resumed, it gives bit for bit the run that was never killed."""

import os
import random
import signal
import time
from pathlib import Path
from typing import Any

import numpy
import pandas
import pytest
from safetensors.numpy import load_file

from workbench.config import RunConfig
from workbench.runs.directory.checkpoint import newest_checkpoint
from workbench.runs.directory.lock import Identity
from workbench.runs.directory.status import holder
from workbench.runs.launch import launch
from workbench.runs.open import Run

LONG = 300.0
CONFIG = """
name = "killed"
[task]
task = "sums"
[[rewards]]
reward = "exact"
[method]
method = "grpo"
[rollouts]
problems = 2
rollouts = 8
max_tokens = 24
[training]
steps = 8
learning_rate = 1e-3
updates = 2
warmup = 4
schedule = "cosine"
threads = 1
checkpoint = 3
[evaluation]
every = 3
problems = 8
[record]
after = 1
"""


def trainer_of(run: Run) -> Identity:
    """The trainer's process, waited for until it works."""
    end = time.monotonic() + LONG
    while run.status.state == "starting" and time.monotonic() < end:
        time.sleep(0.01)
    found = holder(run.directory)
    assert found is not None, run.status
    return found


def kill_and_resume(run: Run, chance: random.Random) -> None:
    """Kills the trainer somewhere in its next two steps; what existed must still exist, and be the same."""
    process = trainer_of(run)
    time.sleep(chance.uniform(0, 2 * (run.status.typical or 0.3)))
    if run.status.ended:
        return
    os.kill(process.pid, signal.SIGKILL)
    while process.alive():
        time.sleep(0.01)
    before = run.lines()
    assert len(run.rollouts(columns=["step"])) == 16 * len([line for line in before if line["step"] > 0])
    assert run.skipped == []
    if run.status.state == "dead":
        run.resume()
        trainer_of(run)
    assert run.lines()[: len(before)] == before, "a step that existed was lost or done again"


def content(run: Run) -> dict[str, Any]:
    """All that must not depend on whether the run was killed."""
    newest = newest_checkpoint(run.directory)
    assert newest is not None
    timed = ("attempt", "time", "seconds")
    return {
        "metrics": [{name: line[name] for name in line if not name.startswith(timed)} for line in run.lines()],
        "rollouts": exact(run.rollouts()),
        "evaluations": exact(run.evaluations()),
        "probes": exact(run.probes()),
        "state": (newest.path / "state.json").read_text(),
        "weights": {name: value.tobytes() for name, value in load_file(newest.path / "weights.safetensors").items()},
        "optimiser": {name: value.tobytes() for name, value in load_file(newest.path / "state.safetensors").items()},
    }


def exact(frame: pandas.DataFrame) -> list[Any]:
    """A table's values, of which `repr` leaves out no digit."""
    return [value.tolist() if isinstance(value, numpy.ndarray) else value for value in frame.to_numpy().flat]


def killed_as_whole(folder: Path, kills: int, steps: int) -> None:
    """A run killed so many times must equal one that never was."""
    config = RunConfig.from_toml(CONFIG).replace(training={"steps": steps})
    chance = random.Random(kills)
    whole, killed = launch(config, runs=folder), launch(config, runs=folder)
    for _ in range(kills):
        kill_and_resume(killed, chance)
    assert killed.wait(timeout=LONG).state == "finished", killed.status
    assert whole.wait(timeout=LONG).state == "finished", whole.status
    assert killed.status.attempt > 1, "no kill came before the end"
    expected, found = content(whole), content(killed)
    for name in expected:
        assert repr(found[name]) == repr(expected[name]), f"{name} differ after {killed.status.attempt} attempts"
    assert killed.steps() == list(range(1, steps + 1))


def test_three_kills_change_nothing(tmp_path: Path) -> None:
    killed_as_whole(tmp_path, kills=3, steps=8)


@pytest.mark.soak
def test_twenty_five_kills_change_nothing(tmp_path: Path) -> None:
    killed_as_whole(tmp_path, kills=25, steps=60)
