"""Does the embedded model for programs learn? Held-out accuracy before and after `configs/embedded-programs.toml`.

`python -m benchmarks.programs_learn --seeds 1` trains in this process, with one thread, and prints one JSON line: the
accuracy of each kind and over all, one completion a problem at temperature 1, before and after; entropy and length too.
"""

import statistics
import time
from pathlib import Path
from typing import Any

from benchmarks.common import options, publish
from workbench.config import RunConfig
from workbench.runs.process.build import build
from workbench.training.evaluation import ask
from workbench.training.trainer import Trainer
from workbench.types import Sampling

CONFIG = Path(__file__).parents[1] / "configs" / "embedded-programs.toml"
NOISE = 1_000_000  # the step whose random numbers an examination takes: no step of training has it


def examined(trainer: Trainer, problems: int) -> dict[str, float]:
    """Accuracy over held-out problems, by kind and over all."""
    sampling = Sampling(max_tokens=96, stop=trainer.stop_tokens, seed=0, step=NOISE)
    groups = ask(trainer.parts, problems, 1, sampling).groups
    found: dict[str, list[float]] = {}
    for group in groups:
        for name in ("all", group.problem.source):
            found.setdefault(name, []).append(group.accuracy)
    return {name: round(statistics.fmean(each), 4) for name, each in sorted(found.items())}


def learned(config: RunConfig, problems: int) -> dict[str, Any]:
    """One run: what it knew before and after."""
    trainer = build(config)
    before, begun = examined(trainer, problems), time.process_time()
    metrics = [step.metrics for step in trainer]
    seconds = time.process_time() - begun
    after = examined(trainer, problems)
    first, last = metrics[:5], metrics[-5:]
    curves = {
        name: [round(statistics.fmean(each[name] for each in part), 3) for part in (first, last)]
        for name in ("reward", "entropy", "length")
    }
    gain = round(after["all"] - before["all"], 4)
    return {
        "seed": config.seed,
        "before": before,
        "after": after,
        "gain": gain,
        "cpu_seconds": round(seconds),
        **curves,
    }


def main() -> None:
    """The command line."""
    parser = options(__doc__ or "")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--problems", type=int, default=1024, help="held-out problems")
    parser.add_argument("--learning-rate", type=float, default=3e-4)
    parser.add_argument("--model", default=None, help="a folder instead of the shipped model")
    arguments = parser.parse_args()
    config = RunConfig.load(CONFIG).replace(
        training={"steps": arguments.steps, "learning_rate": arguments.learning_rate, "threads": 1},
        evaluation={"every": 0, "problems": 0, "probes": 0},
        record={"tokens": "none", "after": 0},
    )
    if arguments.model is not None:
        config = config.replace(model={"name": arguments.model})
    runs = [learned(config.replace(seed=seed), arguments.problems) for seed in range(arguments.seeds)]
    gain = round(statistics.fmean(run["gain"] for run in runs), 4)
    numbers = {"method": config.method.key, "steps": arguments.steps, "problems": arguments.problems, "gain": gain}
    publish("programs_learn", {**numbers, "learning_rate": arguments.learning_rate, "runs": runs}, save=arguments.save)


if __name__ == "__main__":
    main()
