"""A recorded run for the tests of the widgets."""

import pytest
from fake_run import Shape, make_run

from widgets.data import RunData
from workbench.runs.open import open_run


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    return open_run(make_run(tmp_path_factory.mktemp("runs") / "fake", Shape(steps=8, problems=4, rollouts=6)))


@pytest.fixture
def data(run):
    return RunData(run)
