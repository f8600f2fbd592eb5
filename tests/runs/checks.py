"""A config checked without the rooms that a model needs: loading those takes seconds."""

import sys
from types import SimpleNamespace

import pytest


@pytest.fixture
def checked_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """`launch` asks the config alone."""
    alone = SimpleNamespace(errors=lambda config: config.errors())
    monkeypatch.setitem(sys.modules, "workbench.runs.process.build", alone)
