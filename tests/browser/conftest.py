"""What every browser test has: a Chromium without a window, and a place for pictures."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from laboratory import running_browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One for all tests of a file: its event loop must end before tests that have one of their own."""
    with running_browser() as running:
        yield running


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Where screenshots go: WORKBENCH_PICTURES, or the test's own folder."""
    folder = Path(os.environ.get("WORKBENCH_PICTURES") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
