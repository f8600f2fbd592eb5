"""What recording every token costs: steps that keep all numbers against steps that keep texts and rewards, in turns.

Both make the same rollouts and updates from the same weights. Recording covers what is read off the logits beside
what the method needs, its way into columns, and the parquet file; `share` is the part of a step it takes.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.common import options, publish, spread
from workbench.config import RunConfig
from workbench.runs.demo import demo_config
from workbench.runs.directory.paths import new_directory
from workbench.runs.prepare import prepare
from workbench.runs.process.job import from_config
from workbench.runs.process.worker import Worker

WANTED = 0.03


class Recorded:
    """A run taken a step at a time."""

    def __init__(self, config: RunConfig, folder: Path) -> None:
        directory = prepare(config, new_directory(folder, config.name), config.to_toml())
        self.worker = Worker(directory, 1)
        self.worker.open()
        self.worker.load(from_config)
        self.steps = iter(self.worker.job.trainer)
        self.seconds: list[float] = []

    def step(self) -> None:
        """Takes and records one step."""
        began = time.perf_counter()
        self.worker.record(next(self.steps))
        self.seconds.append(time.perf_counter() - began)


def main(arguments: list[str]) -> int:
    """Measures both in turns; fails where recording takes more than the wanted share."""
    parser = options(__doc__ or "")
    parser.add_argument("--steps", type=int, default=20)
    given = parser.parse_args(arguments)
    base = demo_config().replace(evaluation={"problems": 0}, training={"steps": given.steps + 3}, method="grpo", seed=1)
    with tempfile.TemporaryDirectory() as folder:
        runs = {
            tokens: Recorded(base.replace(name=tokens, record={"tokens": tokens}), Path(folder))
            for tokens in ("all", "none")
        }
        for number in range(given.steps + 2):
            for run in list(runs.values())[
                :: 1 if number % 2 else -1
            ]:  # the second finds shapes that the first prepared
                run.step()
    pairs = list(zip(runs["all"].seconds[2:], runs["none"].seconds[2:], strict=True))
    both_orders = [pairs[number] + pairs[number + 1] for number in range(0, len(pairs) - 1, 2)]
    share = statistics.median(1 - (none + none_again) / (kept + again) for kept, none, again, none_again in both_orders)
    numbers = {
        "share": round(share, 4),
        "wanted": WANTED,
        "everything": spread([kept for kept, _ in pairs]),
        "texts_only": spread([without for _, without in pairs]),
        "steps": len(pairs),
    }
    publish("record_cost", numbers, save=given.save)
    return 0 if share <= WANTED else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
