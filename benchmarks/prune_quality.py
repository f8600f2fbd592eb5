"""Does pruning cost accuracy? The embedded model, equal steps, paired seeds: unpruned, and pruned by three rules.

`differences` holds, for the rule `group` against each other arm, the mean difference over the seeds of the held-out
accuracy after the last step, with the 95 % interval of 10,000 bootstrap samples of seeds; `ratio` is the mean accuracy
of `group` over that of the unpruned runs. Seconds are those of all steps, each run in a process with one thread.

A finished run is a line in a file (`--runs`), and a run with the same settings that has one is not made again: stopped
at any time, the benchmark continues where it was.
"""

import itertools
import json
import multiprocessing
import os
import statistics
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import common
from workbench.runs.directory.aliases import current_names

ARMS = ("unpruned", "group", "paper", "random")
SAMPLES = 10_000  # of the bootstrap
ALLOWED = -0.02  # lower bound of group less unpruned: at least

Line = dict[str, Any]


def play(seed: int, arm: str, settings: Line) -> Line:
    """One run, whole; what is kept of it."""
    from workbench.pruning.arrol import Arrol
    from workbench.runs.demo import demo_config
    from workbench.runs.process.build import build

    config = demo_config().replace(
        seed=seed,
        method="grpo",  # a filter that asks for other groups would hide what pruning does to them
        rollouts={"problems": settings["problems"], "rollouts": settings["rollouts"]},
        training={"steps": settings["steps"], "threads": 1},
        evaluation={"every": 0, "problems": settings["held_out"]},
        record={"tokens": "none"},
    )
    if arm != "unpruned":
        config = config.replace(pruning=Arrol(detect=settings["detect"], rule=arm, warm_up=settings["warm_up"]))
    before, *steps = list(build(config))
    return {
        "seed": seed,
        "arm": arm,
        "before": before.metrics["accuracy"],
        "accuracy": steps[-1].metrics["accuracy"],
        "seconds": sum(step.metrics["seconds"] - step.metrics.get("seconds.evaluate", 0.0) for step in steps),
        "tokens": sum(step.metrics["tokens"] for step in steps),
        "pruned": sum(step.metrics.get("pruned", 0.0) for step in steps),
        "zero_variance_groups": statistics.mean(step.metrics["zero_variance_groups"] for step in steps),
        "auc": steps[-1].metrics.get("pruning.auc"),
        "settings": settings,
    }


def read(path: Path, settings: Line) -> dict[tuple[int, str], Line]:
    """The runs that are on file, of these settings."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    found = (current_names(json.loads(line)) for line in lines)
    return {(line["seed"], line["arm"]): line for line in found if line["settings"] == settings}


def missing(done: dict[tuple[int, str], Line], seeds: Sequence[int]) -> list[tuple[int, str]]:
    """What is still to be run, seed by seed."""
    return [pair for pair in itertools.product(seeds, ARMS) if pair not in done]


def run(wanted: Sequence[tuple[int, str]], settings: Line, jobs: int) -> Iterator[Line]:
    """The runs, as they finish; `jobs` at a time, each in a process of its own."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), max_tasks_per_child=1) as pool:
        futures = [pool.submit(play, seed, arm, settings) for seed, arm in wanted]
        for future in as_completed(futures):
            yield future.result()


def interval(values: Sequence[float]) -> Line:
    """The mean, and the 95 % interval of the mean by the percentile bootstrap.

    >>> interval([1.0, 1.0, 1.0])
    {'mean': 1.0, 'low': 1.0, 'high': 1.0}
    """
    known = np.array(values)
    drawn = np.random.default_rng(0).integers(len(known), size=(SAMPLES, len(known)))
    low, high = np.quantile(known[drawn].mean(1), [0.025, 0.975])
    return {name: round(float(value), 4) for name, value in (("mean", known.mean()), ("low", low), ("high", high))}


def summary(done: dict[tuple[int, str], Line], seeds: Sequence[int]) -> Line:
    """Means by arm, and paired differences."""

    def values(arm: str, name: str) -> list[float]:
        return [done[seed, arm][name] for seed in seeds]

    names = ("before", "accuracy", "seconds", "tokens", "pruned", "zero_variance_groups")
    arms = {arm: {name: round(statistics.mean(values(arm, name)), 4) for name in names} for arm in ARMS}
    for arm in ARMS:
        arms[arm]["accuracies"] = [round(value, 4) for value in values(arm, "accuracy")]
    group = np.array(values("group", "accuracy"))
    differences = {
        f"group - {arm}": interval(list(group - np.array(values(arm, "accuracy")))) for arm in ARMS if arm != "group"
    }
    return {
        "ratio": round(arms["group"]["accuracy"] / arms["unpruned"]["accuracy"], 4),
        "reached": len(seeds) >= 10 and differences["group - unpruned"]["low"] > ALLOWED,
        "differences": differences,
        "arms": arms,
        "seeds": len(seeds),
    }


def main() -> None:
    """Runs what is missing and prints one line."""
    parser = common.options(__doc__ or "")
    defaults = {"problems": 8, "rollouts": 16, "steps": 40, "held-out": 512, "detect": 12, "warm-up": 5}
    for name, default in {**defaults, "seeds": 10, "jobs": 2}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--runs", type=Path, default=common.RESULTS / "prune_quality" / "runs.jsonl")
    given = parser.parse_args()
    settings = {name: getattr(given, name) for name in (key.replace("-", "_") for key in defaults)}
    done = read(given.runs, settings)
    given.runs.parent.mkdir(parents=True, exist_ok=True)
    for line in run(missing(done, range(given.seeds)), settings, given.jobs):
        done[line["seed"], line["arm"]] = line
        with given.runs.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
    numbers = summary(done, range(given.seeds))
    common.publish("prune_quality", {"peer": "the same run, unpruned", **numbers, **settings}, save=given.save)


if __name__ == "__main__":
    main()
