"""The demonstration, timed: seconds from launch to 85 % held-out accuracy, and to the first recorded step.

Launches the demo's config as a user does, once a seed, one after the other, with an evaluation every few steps (whose
time counts). Accuracy is over 1,024 held-out problems at temperature 1, as the demo's.
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

WANTED = {"to_accuracy": 60.0, "to_first_step": 10.0}


def measure(seed: int, folder: Path, goal: float, every: int) -> dict[str, Any]:
    """One run: when its first step and its goal were recorded, in seconds after the launch."""
    config = demo_config().replace(seed=seed, name=f"demo-{seed}", evaluation={"every": every, "problems": 256})
    began = time.time()
    run = launch(config, runs=folder)
    found: dict[str, Any] = {"seed": seed, "to_first_step": None, "to_accuracy": None}
    for line in run.follow():
        if line["step"] > 0 and found["to_first_step"] is None:
            found["to_first_step"] = round(line["time"] - began, 2)
        if "accuracy" in line:
            found["accuracy"] = round(line["accuracy"], 4)
            found.setdefault("accuracy_before", found["accuracy"])
        if line.get("accuracy", 0.0) >= goal and found["to_accuracy"] is None:
            found["to_accuracy"], found["steps_to_accuracy"] = round(line["time"] - began, 2), line["step"]
    return found


def main(arguments: list[str]) -> int:
    """Measures every seed; fails where a wanted figure is missed."""
    parser = options(__doc__ or "")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--goal", type=float, default=0.85)
    parser.add_argument("--every", type=int, default=5, help="steps between evaluations")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        runs = [measure(seed, Path(folder), given.goal, given.every) for seed in range(given.seeds)]
    never = float("inf")
    medians = {name: statistics.median(run[name] or never for run in runs) for name in WANTED}
    reached = {name: None if value == never else value for name, value in medians.items()}
    publish("demo", {**reached, "wanted": WANTED, "goal": given.goal, "runs": runs}, save=given.save)
    return int(any(medians[name] > wanted for name, wanted in WANTED.items()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
