"""The demonstration on a real model, timed: held-out accuracy before and after, and seconds from launch to the end.

Launches the config of `make demo-real` as a user does, once a seed, one after the other. Accuracy is over 128 held-out
sums at temperature 1: no pair of numbers in them was in a training problem.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.common import options, publish
from workbench.runs.demo import demo_config
from workbench.runs.launch import launch

WANTED = {"gain": 0.25, "factor": 2.0, "seconds": 1200.0}


def measure(seed: int, folder: Path, steps: int | None, device: str) -> dict[str, Any]:
    """One run: accuracy of every evaluation by step, and seconds."""
    config = demo_config(real=True).replace(seed=seed, name=f"demo-real-{seed}")
    config = config.replace(model={"device": device})
    if steps is not None:
        config = config.replace(training={"steps": steps})
    began = time.time()
    run = launch(config, runs=folder)
    accuracy = {line["step"]: round(line["accuracy"], 4) for line in run.follow() if "accuracy" in line}
    before, after = accuracy[0], accuracy[max(accuracy)]
    return {
        "seed": seed,
        "accuracy_before": before,
        "accuracy": after,
        "gain": round(after - before, 4),
        "factor": round(after / max(before, 1e-3), 2),
        "seconds": round(time.time() - began, 1),
        "evaluations": accuracy,
    }


def main(arguments: list[str]) -> int:
    """Measures every seed; fails where the median misses a wanted figure."""
    parser = options(__doc__ or "")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=None, help="fewer steps than the demonstration's")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        runs = [measure(seed, Path(folder), given.steps, given.device) for seed in range(given.seeds)]
    medians = {name: statistics.median(run[name] for run in runs) for name in WANTED}
    publish("demo_real", {**medians, "wanted": WANTED, "device": given.device, "runs": runs}, save=given.save)
    good = medians["gain"] >= WANTED["gain"] and medians["factor"] >= WANTED["factor"]
    return int(not good or medians["seconds"] > WANTED["seconds"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
