"""Run directories for tests."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.runs.fake import FAKE, FakeTrainer, source
from tests.runs.faulty import make, results
from tests.runs.real_run import shared_run
from workbench.runs.directory.paths import RunDirectory, write_json
from workbench.runs.directory.status import Heartbeat
from workbench.runs.open import Run, open_run
from workbench.runs.process.start import start
from workbench.runs.process.worker import work


@pytest.fixture
def directory(tmp_path: Path) -> RunDirectory:
    """A fresh run directory."""
    return RunDirectory(tmp_path / "run").create()


@pytest.fixture
def background(directory: RunDirectory) -> Callable[..., Run]:
    """Starts the fake trainer in a process of its own, with the given plan."""

    def begin(**plan: Any) -> Run:
        write_json(directory.path / "plan.json", plan)
        Heartbeat(directory, 0, plan.get("steps", 5), state="queued").beat()
        start(directory, FAKE)
        return Run(directory, FAKE)

    return begin


@pytest.fixture
def here(directory: RunDirectory) -> Callable[..., int]:
    """Runs the fake trainer in this process to its end, and answers the exit code."""

    def run(**plan: Any) -> int:
        write_json(directory.path / "plan.json", plan)
        directory.log(directory.attempts() + 1).touch()
        return work(directory, directory.attempts(), source)

    return run


@pytest.fixture
def trainer() -> FakeTrainer:
    """The fake trainer itself."""
    return FakeTrainer()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run of three steps."""
    return shared_run(tmp_path_factory)


@pytest.fixture
def copy(run: Run, tmp_path: Path) -> Run:
    """The same, to be spoilt."""
    shutil.copytree(run.path, tmp_path / "copy")
    return open_run(tmp_path / "copy")


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """A run after three of its four steps."""
    directory = make(tmp_path_factory.mktemp("stopped") / "run", 4)
    Heartbeat(directory, 1, 4, "stopped", "end", 3).beat()
    return directory


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What four steps give."""
    return results(make(tmp_path_factory.mktemp("whole") / "run", 0))
