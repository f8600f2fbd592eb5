"""What a ledger and a stock of 100,000 problems cost a step of the embedded model: entering, recording, choosing.

Processor seconds of the step's own thread: entering a step's attempts and 16 new problems, appending their lines, and a
sampler that reads the rates of the whole pool. The checkpoint of every step is part of the step and holds neither.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import options, publish, spread
from workbench.kinds import Past, Pick, Pool, Sampler, Synthesis
from workbench.runs.demo import demo_config
from workbench.runs.directory.paths import new_directory
from workbench.runs.prepare import prepare
from workbench.runs.process.job import from_config
from workbench.runs.process.worker import Worker
from workbench.types import Problem, State

WANTED = 0.01
PROBLEMS = 100_000


@dataclass(frozen=True)
class Hardest(Sampler):
    """Half from the stock, half the problems of the pool with the lowest rates."""

    def __call__(self, state: State, pool: Pool) -> tuple[list[Pick], State]:
        made = [Pick(problem=pool.stock[-1 - place], rollouts=pool.rollouts) for place in range(pool.count // 2)]
        rates = pool.ledger.rates(PROBLEMS)
        lowest = np.argpartition(np.nan_to_num(rates, nan=2.0), pool.count)[: pool.count - len(made)]
        return [*made, *(Pick(int(number), pool.rollouts) for number in lowest)], state


@dataclass(frozen=True)
class OneEach(Synthesis):
    """One problem for every group."""

    def __call__(self, state: State, past: Past) -> tuple[list[Problem], State]:
        first = len(past.stock)
        made = [Problem(f"made-{first + n}", g.problem.prompt, g.problem.answer) for n, g in enumerate(past.groups)]
        return made, state


class Timed:
    """A function whose processor seconds are added up."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function, self.seconds = function, 0.0

    def __call__(self, *given: Any) -> Any:
        began = time.thread_time()
        answer = self.function(*given)
        self.seconds += time.thread_time() - began
        return answer


def filled(worker: Worker) -> None:
    """Gives a run's trainer a ledger and a stock of many problems."""
    memory = worker.job.trainer.memory  # type: ignore[attr-defined]
    task = memory.parts.task
    visits = [[task.problem(number, "train").key, number, 8, float(number % 9), 20.0] for number in range(PROBLEMS)]
    memory.enter("ledger", [{"step": 0, "visits": visits}])
    fields = {"prompt": "What is 3 + 4?", "answer": "7", "data": {"of": "a problem"}, "source": "made"}
    memory.enter("problems", [{"step": 0, "key": f"stocked-{number}", **fields} for number in range(PROBLEMS)])


def measured(worker: Worker, count: int) -> tuple[dict[str, float], list[float]]:
    """Processor seconds by what is measured, and those of each step, over so many steps."""
    trainer: Any = worker.job.trainer
    trainer.parts.sampler, trainer.memory.synthesis = Hardest(), OneEach()
    trainer.states |= {"sampler": {}, "synthesis": {}}
    timed = {
        "choose": Timed(Hardest.__call__),
        "enter": Timed(trainer.memory.learn),
        "append": Timed(worker.record_of.remember),
    }
    Hardest.__call__ = lambda *given: timed["choose"](*given)  # type: ignore[method-assign]
    trainer.memory.learn, worker.record_of.remember = timed["enter"], timed["append"]  # type: ignore[method-assign]
    steps, seconds = iter(trainer), list[float]()
    for number in range(count + 1):
        if number == 1:  # the first step finds shapes that the others have
            for each in timed.values():
                each.seconds = 0.0
        began = time.thread_time()
        worker.record(next(steps))
        seconds += [time.thread_time() - began] if number else []
    return {name: each.seconds for name, each in timed.items()}, seconds


def main(arguments: list[str]) -> int:
    """Measures the share; fails where it is above what is wanted."""
    parser = options(__doc__ or "")
    parser.add_argument("--steps", type=int, default=12)
    given = parser.parse_args(arguments)
    changes: dict[str, Any] = {"evaluation": {"problems": 0}, "training": {"steps": given.steps + 2, "threads": 1}}
    config = demo_config().replace(name="memory", method="grpo", seed=1, **changes)
    with tempfile.TemporaryDirectory() as folder:
        directory = prepare(config, new_directory(Path(folder), config.name), config.to_toml())
        worker = Worker(directory, 1)
        worker.open()
        worker.load(from_config)
        filled(worker)
        parts, seconds = measured(worker, given.steps)
    share = sum(parts.values()) / sum(seconds)
    each = {name: round(spent / len(seconds), 6) for name, spent in parts.items()}
    numbers = {"share": round(share, 5), "wanted": WANTED, "problems": PROBLEMS, "step": spread(seconds), **each}
    publish("memory_cost", numbers, save=given.save)
    return 0 if share <= WANTED else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
