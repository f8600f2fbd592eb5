"""What every browser test has: a Chromium without a window, and a place for pictures."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.laboratory import Shape, laboratory, make_run, running_browser

expect.set_options(timeout=20_000)  # milliseconds; kernel and page share the machine with whatever else it does


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One for all tests of a file: its event loop must end before tests that have one of their own."""
    with running_browser() as running:
        yield running


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """JupyterLab in a folder with a run of six steps; a file that needs another has its own."""
    folder = tmp_path_factory.mktemp("lab")
    make_run(folder / "runs" / "fake", Shape(steps=6, problems=4, rollouts=8))
    with laboratory(folder) as running:
        yield running


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Where screenshots go: WORKBENCH_PICTURES, or the test's own folder."""
    folder = Path(os.environ.get("WORKBENCH_PICTURES") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
