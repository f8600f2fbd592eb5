"""Seconds a step as `workbench plan --measure` estimates them against those of real runs on the same machine.

Each case is measured, then launched, in turns, so that a busy minute of the machine meets both. `worst_ratio` is the
largest of estimated / measured and its inverse; measured is the median of the run's first steps, before the model has
changed much. The third case is too slow to be measured whole in the given time and is extrapolated.
"""

import itertools
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import common
from benchmarks.plan_error import make_large
from workbench.config import RunConfig
from workbench.runs.demo import demo_config
from workbench.runs.launch import launch
from workbench.runs.process.measure import SECONDS, measure


def cases(large: str) -> dict[str, tuple[dict[str, Any], int]]:
    """Changes of the demonstration, and steps to measure, by name."""
    return {
        "demo": ({}, 8),
        "LoRA, four updates, 192 tokens": (
            {
                "model": {"lora": {"rank": 16}},
                "method": {"method": "gspo"},
                "task": {"task": "sums"},
                "rollouts": {"max_tokens": 192, "rollouts": 32},
                "training": {"updates": 4},
            },
            6,
        ),
        "larger model, extrapolated": (
            {
                "model": {"name": large, "lora": {"rank": 16}},
                "method": {"method": "grpo"},
                "rollouts": {"problems": 4, "rollouts": 8, "max_tokens": 64},
            },
            2,
        ),
    }


def measured(config: RunConfig, folder: Path) -> dict[str, float]:
    """The median of every phase of a run's steps; `wall` is that between two lines of its record."""
    run = launch(config, runs=folder)
    lines = [line for line in run.follow() if line["step"] > 0]
    if run.status.state != "finished":
        raise ValueError(f"{run.path}: {run.status}")
    names = [name for name in lines[0] if name.startswith("seconds")]
    found = {name: statistics.median(line[name] for line in lines) for name in names}
    times = [line["time"] for line in lines]
    return {**found, "wall": statistics.median(b - a for a, b in itertools.pairwise(times))}


def compare(config: RunConfig, folder: Path, rounds: int, seconds: float) -> dict[str, Any]:
    """One case: estimated and measured in turns."""
    estimated, real = [], []
    for _ in range(rounds):
        estimated.append(measure(config, seconds))
        real.append(measured(config, folder))
    ratio = statistics.median(each.step for each in estimated) / statistics.median(each["seconds"] for each in real)
    return {
        "ratio": round(max(ratio, 1 / ratio), 3),
        "estimated_over_measured": round(ratio, 3),
        "estimated": [round(each.step, 3) for each in estimated],
        "measured": [round(each["seconds"], 3) for each in real],
        "wall": [round(each["wall"], 3) for each in real],
        "phases": {name: round(value, 3) for name, value in estimated[-1].phases.items()},
        "measured_phases": {name: round(value, 3) for name, value in real[-1].items()},
        "cut": estimated[-1].cut,
        "note": estimated[-1].note,
    }


def main() -> int:
    """Compares every case."""
    parser = common.options(__doc__ or "")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each measurement")
    given = parser.parse_args()
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        large = Path(folder) / "large"
        make_large(large)
        for name, (changes, steps) in cases(str(large)).items():
            config = demo_config().replace(**changes).replace(training={"steps": steps}, evaluation={"problems": 0})
            found[name] = compare(config, Path(folder) / "runs", given.rounds, given.seconds)
    worst = max(case["ratio"] for case in found.values())
    common.publish("plan_time", {"worst_ratio": worst, "cases": found}, save=given.save)
    return 0


if __name__ == "__main__":
    sys.exit(main())
