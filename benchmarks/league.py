"""Every method on the same task, problems and seeds: held-out accuracy before and after, and what each run took.

A league ranks nothing by itself: hyper-parameters are each method's defaults, at one learning rate, on one small task.
"""

import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.common import options, publish
from workbench.methods import METHODS
from workbench.runs.demo import demo_config
from workbench.runs.launch import launch
from workbench.runs.summary import document


def play(method: str, folder: Path, steps: int, seeds: int) -> dict[str, Any]:
    """One method: its runs, one after the other, and what came of them."""
    config = demo_config().replace(name=method, method=method, training={"steps": steps})
    experiment = launch(config, runs=folder, seeds=seeds)
    experiment.wait()
    runs = [document(run) for run in experiment.runs]
    whole = [run["accuracy"] for run in runs if run["status"]["verdict"] == "finished"]
    seconds = [run["status"]["typical"] for run in runs if run["status"]["typical"]]
    return {
        "before": middle([accuracy[0]["accuracy"] for accuracy in whole]),
        "after": middle([accuracy[-1]["accuracy"] for accuracy in whole]),
        "seconds_a_step": middle(seconds),
        "finished": len(whole),
        "failed": [run["status"]["text"] for run in runs if run["status"]["verdict"] != "finished"],
    }


def middle(values: list[float]) -> float | None:
    """The median; None of nothing."""
    return round(statistics.median(values), 4) if values else None


def main(arguments: list[str]) -> int:
    """Plays all methods, or the named ones; fails where a run did not finish."""
    parser = options(__doc__ or "")
    parser.add_argument("methods", nargs="*", help="keys of methods; none: all")
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args(arguments)
    table = {}
    with tempfile.TemporaryDirectory() as folder:
        for method in given.methods or sorted(METHODS):
            table[method] = play(method, Path(folder), given.steps, given.seeds)
            print(f"{method}: {table[method]}", file=sys.stderr, flush=True)
    publish("league", {"steps": given.steps, "seeds": given.seeds, "methods": table}, save=given.save)
    return 1 if any(entry["failed"] for entry in table.values()) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
