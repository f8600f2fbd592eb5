"""A run of self-play with an environment of its own, in which any text is a problem: what a run keeps of it."""

import hashlib
import importlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.runs import growing
from workbench.config import RunConfig
from workbench.kinds import Environment, Proposal
from workbench.runs.demo import demo_config
from workbench.runs.directory.paths import RunDirectory, new_directory
from workbench.runs.prepare import prepare
from workbench.types import Problem


@dataclass(frozen=True)
class AnyText(Environment):
    """Whatever is written is a problem, whose answer is the number of its letters; a text in six is lost."""

    @property
    def kinds(self) -> tuple[str, ...]:
        return ("short", "long")

    def references(self, kind: str) -> tuple[tuple[str, ...], int]:
        return (kind,), 1

    def first(self, kind: str) -> list[Problem]:
        return [Problem(f"first-{kind}", "3 + 4 = ?", "7", source=kind)]

    def ask(self, kind: str, references: Sequence[Problem], key: str) -> Problem:
        return Problem(key, references[0].prompt[:40], "", source=kind)

    def read(self, proposals: Sequence[tuple[Problem, str]]) -> list[Proposal]:
        return [self.one(asked, text.strip()[:60]) for asked, text in proposals]

    def one(self, asked: Problem, text: str) -> Proposal:
        """What came of one text."""
        if not text:
            return Proposal(reason="nothing was written")
        if len(text) % 6 == 0:
            return Proposal(reason="lost", blameless=True)
        key = f"{asked.source}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
        return Proposal(Problem(key, text, str(len(text)), source=asked.source), skeleton=text[:4])


def playing_config(steps: int = 4, **changes: Any) -> RunConfig:
    """A run of four stocked problems and as many proposals a step."""
    controller = {"environment": "any_text", "proposals": 2, "tries": 2, "seeds": 3, "seed_rounds": 2}
    tables: dict[str, Any] = {
        "model": {"device": "cpu"},
        "method": {"method": "azr", "controller": controller},
        "rollouts": {"problems": 4, "rollouts": 1, "max_tokens": 24},
        "training": {
            "steps": steps,
            "checkpoint": 1,
            "threads": 1,
            "target_accuracy": None,
            "max_seconds": None,
            "unscored": 1.0,
        },
        "evaluation": {"problems": 4, "probes": 0},
    }
    return demo_config().replace(name="playing", **{**tables, **changes})


def prepared(runs: Path, **changes: Any) -> RunDirectory:
    """The directory of such a run, before its first attempt."""
    config = playing_config(**changes)
    return prepare(config, new_directory(runs, config.name), config.to_toml())


if __name__ == "__main__":
    importlib.import_module("tests.runs.playing")  # the pieces under the name that the other process knows
    growing.killed_while(RunDirectory(Path(sys.argv[1])), int(sys.argv[2]))
