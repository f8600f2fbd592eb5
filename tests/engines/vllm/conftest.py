"""The vLLM engine over a stand-in for vLLM."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines.vllm.vllm_stand_in import adapted, stand_in
from workbench.engines.vllm.engine import VllmEngine


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the stand-in is told what to do, and notes what it was asked."""
    return stand_in(tmp_path, monkeypatch)


@pytest.fixture
def engine(folder: Path) -> Iterator[VllmEngine]:
    """An engine that has not started yet."""
    made = VllmEngine(adapted(), concurrent=24)
    yield made
    made.close()
