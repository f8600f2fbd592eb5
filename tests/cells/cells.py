"""Cells for tests: their texts, a shell that runs them, and a registry that forgets them."""

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from workbench import registry
from workbench.cells.source import SOURCES
from workbench.piece import Piece

HALF = '''
from typing import Annotated

import torch
from pydantic import Field

from workbench import Batch
from workbench.cells import method
from workbench.ops import group_centre, spread
from workbench.types import PerToken


@method("half", changes="a wrong answer costs half")
def advantage(batch: Batch, wrong: Annotated[float, Field(ge=0, description="its cost")] = 0.5) -> PerToken:
    """Centred rewards, the negative ones scaled."""
    value = group_centre(batch.reward, batch.group)
    return spread(torch.where(value < 0, wrong * value, value), batch.mask)
'''

CLASSES = '''
from dataclasses import dataclass

from workbench import METHODS, derive, register
from workbench.kinds import Score, Reward, Surrogate, Task
from workbench.types import Problem


@dataclass(frozen=True)
class Plain(Surrogate):
    """The ratio times the advantage."""

    scale: float = 1.0

    def __call__(self, batch, ratio, advantage):
        return -self.scale * ratio * advantage


@dataclass(frozen=True)
class Short(Reward):
    """Short answers are good."""

    def __call__(self, problem, rollouts, scorer):
        short = [len(rollout.tokens) < 8 for rollout in rollouts]
        return [Score(float(value), "by length", correct=value) for value in short]


@dataclass(frozen=True)
class Doubles(Task):
    """Twice a number."""

    def problem(self, number, split):
        return Problem(f"{split}-{number}", f"What is {number} + {number}?", str(2 * number))


TEXTS = {"title": "Plain", "paper": "none", "equation": "r A", "changes": "no clip"}
register("plain", derive(METHODS["grpo"], **TEXTS, surrogate=Plain()))
'''


@pytest.fixture
def forgetting() -> Iterator[None]:
    """What is defined in the test is gone after it."""
    registry.load()
    tables: list[dict[str, Any]] = [registry.METHODS, registry.HOMES, SOURCES]
    tables += [kind.registry for kind in Piece.__subclasses__()]
    before = [dict(table) for table in tables]
    yield
    for table, old in zip(tables, before, strict=True):
        table.clear()
        table.update(old)


@pytest.fixture
def shell(forgetting: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> InteractiveShell:
    """A notebook's shell with the extension loaded."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])  # the shell puts its own there
    config = Config()
    config.HistoryManager.enabled = False
    made = InteractiveShell(config=config)
    made.run_line_magic("load_ext", "workbench")
    return made


def run_cell(shell: InteractiveShell, text: str) -> Any:
    """Runs a cell; raises what it raised."""
    result = shell.run_cell(text, store_history=True)
    result.raise_error()
    return result.result
