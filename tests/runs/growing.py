"""Pieces of a run whose problems grow, and the run itself: half of every step is asked from the stock."""

import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.config import RunConfig
from workbench.kinds import Past, Pick, Pool, Sampler, Survey, Synthesis
from workbench.runs.demo import demo_config
from workbench.runs.directory.paths import RunDirectory, new_directory
from workbench.runs.prepare import prepare
from workbench.runs.process.attempt import Worker
from workbench.runs.process.worker import work
from workbench.types import Problem, State


@dataclass(frozen=True)
class Doubled(Synthesis):
    """Asks every problem of a step again, under another key."""

    def init(self) -> State:
        return {"made": 0}

    def __call__(self, state: State, past: Past) -> tuple[list[Problem], State]:
        count = state["made"]
        made = [
            Problem(f"more-{count + place}", each.problem.prompt, each.problem.answer, {"of": each.problem.key})
            for place, each in enumerate(past.groups)
        ]
        return made, {"made": count + len(made)}


@dataclass(frozen=True)
class HalfFromStock(Sampler):
    """The newest of the stock, and the problems with the lowest rates of a survey."""

    surveyed: int = 6

    @property
    def survey(self) -> Survey | None:
        return Survey(2, self.surveyed) if self.surveyed else None

    def __call__(self, state: State, pool: Pool) -> tuple[list[Pick], State]:
        made = [Pick(problem=pool.stock[-1 - n], rollouts=pool.rollouts) for n in range(min(2, len(pool.stock)))]
        order = sorted(range(8), key=lambda n: (pool.ledger.last(n), pool.ledger.rate(n)))
        return [*made, *(Pick(n, pool.rollouts) for n in order[: pool.count - len(made)])], state


def growing_config(steps: int = 4, **changes: Any) -> RunConfig:
    """A run of four problems a step."""
    tables: dict[str, Any] = {
        "model": {"device": "cpu"},
        "method": {"method": "grpo", "sampler": "half_from_stock", "synthesis": "doubled"},
        "rollouts": {"problems": 4, "rollouts": 4, "max_tokens": 24},
        "training": {"steps": steps, "checkpoint": 1, "threads": 1, "target_accuracy": None, "max_seconds": None},
        "evaluation": {"problems": 4, "probes": 0},
    }
    return demo_config().replace(name="growing", **{**tables, **changes})


def prepared(runs: Path, **changes: Any) -> RunDirectory:
    """The directory of such a run, before its first attempt."""
    config = growing_config(**changes)
    return prepare(config, new_directory(runs, config.name), config.to_toml())


def killed_while(directory: RunDirectory, saving: int) -> None:
    """Runs an attempt, and kills this process with SIGKILL when the checkpoint of a step is to be written."""
    save = Worker.save

    def dying(worker: Worker, number: int, *rest: Any) -> Any:
        if number == saving:
            os.kill(os.getpid(), signal.SIGKILL)
        return save(worker, number, *rest)

    Worker.save = dying  # type: ignore[method-assign]
    work(directory, directory.attempts() + 1)


if __name__ == "__main__":
    from tests.runs import growing  # the pieces under the name that the other process knows

    growing.killed_while(RunDirectory(Path(sys.argv[1])), int(sys.argv[2]))
