"""Held-out accuracy of Absolute Zero on the embedded model for programs, before and after, over seeds.

`python -m benchmarks.azr_embedded --seeds 5 --save` runs `configs/azr-embedded.toml` once for every seed that is not in
`results/azr_embedded/plays.jsonl`, one after the other and with one thread, so that it can be stopped and resumed; then
it prints the summary of all of them: the gain with a bootstrap interval over seeds, and how far it fell from its best.
"""

import json
import sys
import time
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks.common import RESULTS, commit, hardware, now, options, publish
from benchmarks.middles import bootstrap_interval
from workbench.config import RunConfig
from workbench.methods.azr import SelfPlay
from workbench.runs.process.build import build

CONFIG = Path(__file__).parents[1] / "configs" / "azr-embedded.toml"
PLAYS = RESULTS / "azr_embedded" / "plays.jsonl"
WANTED, MINUTES = 0.08, 15
ALLOWED = 0.02  # from its best held-out accuracy: what counts as not falling again
CURVES = (
    *("accuracy", "accuracy.predict", "accuracy.find", "accuracy.write", "valid.propose", "useful.propose"),
    *("distinct_skeletons.propose", "commonest_skeleton.propose", "correct.try", "entropy", "entropy.propose", "stock"),
)


def config(method: str, seed: int, steps: int, sizes: str) -> RunConfig:
    """The run of a seed; `sizes`: proposals, tries and seeds of the config, or those that are the method's own."""
    config = RunConfig.load(CONFIG)
    assert isinstance(config.method.controller, SelfPlay)
    own = {name: getattr(config.method.controller, name) for name in ("proposals", "tries", "seeds")}
    return config.replace(
        seed=seed,
        method={"method": method, "controller": own if sizes == "config" else {}},
        training={"steps": steps, "threads": 1},
        record={"tokens": "none"},
    )


def play(method: str, seed: int, steps: int, sizes: str) -> dict[str, Any]:
    """Trains once; the curves of the steps with an evaluation, and what it took."""
    trainer = build(config(method, seed, steps, sizes))
    began, busy = time.perf_counter(), time.process_time()
    curve: list[dict[str, float]] = []
    evaluating = tokens = 0.0
    events: list[str] = []
    for step in trainer:
        tokens += step.metrics.get("tokens", 0.0)
        evaluating += step.metrics.get("seconds.evaluate", 0.0)
        events += [alert.text for alert in step.alerts]
        if "accuracy" in step.metrics:
            known = {name: round(step.metrics[name], 4) for name in CURVES if name in step.metrics}
            curve.append({"step": step.number, **known})
            print(f"seed {seed} {curve[-1]}", file=sys.stderr, flush=True)
    accuracies = [each["accuracy"] for each in curve]
    return {
        "method": method,
        "seed": seed,
        "steps": steps,
        "sizes": sizes,
        "before": accuracies[0],
        "after": accuracies[-1],
        "best": max(accuracies),
        "seconds": round(time.perf_counter() - began),
        "processor_seconds": round(time.process_time() - busy),
        "seconds_evaluating": round(evaluating),
        "tokens": tokens,
        "alerts": events,
        "curve": curve,
    }


def kept(path: Path) -> list[dict[str, Any]]:
    """The plays on record."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def summary(plays: list[dict[str, Any]]) -> dict[str, Any]:
    """What came out over seeds."""
    gains = [each["after"] - each["before"] for each in plays]
    low, high = bootstrap_interval(gains, fmean) if len(gains) > 1 else (gains[0], gains[0])
    falls = [each["best"] - each["after"] for each in plays]
    return {
        "method": plays[0]["method"],
        "steps": plays[0]["steps"],
        "sizes": plays[0]["sizes"],
        "seeds": len(plays),
        "before": round(fmean(each["before"] for each in plays), 4),
        "after": round(fmean(each["after"] for each in plays), 4),
        "gain": round(fmean(gains), 4),
        "low": round(low, 4),
        "high": round(high, 4),
        "worst_gain": round(min(gains), 4),
        "worst_fall": round(max(falls), 4),
        "most_processor_seconds": max(each["processor_seconds"] for each in plays),
    }


def main(arguments: list[str]) -> int:
    """Plays what is missing; fails where the mean gain, the time or the fall is not as wanted."""
    parser = options(__doc__ or "")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--method", default="azr")
    parser.add_argument("--sizes", choices=("config", "method"), default="config", help="method: 64 proposals")
    parser.add_argument("--plays", type=Path, default=PLAYS, help="where plays are kept")
    given = parser.parse_args(arguments)
    wanted = range(given.first, given.first + given.seeds)
    for seed in wanted:
        if any(asked(each, given, seed) for each in kept(given.plays)):
            continue
        line = {
            **play(given.method, seed, given.steps, given.sizes),
            "commit": commit(),
            "time": now(),
            "hardware": hardware(),
        }
        given.plays.parent.mkdir(parents=True, exist_ok=True)
        with given.plays.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
    plays = [each for seed in wanted for each in kept(given.plays) if asked(each, given, seed)]
    found = publish("azr_embedded", summary(plays), save=given.save)
    good = found["gain"] >= WANTED and found["worst_fall"] <= ALLOWED
    return 0 if good and found["most_processor_seconds"] <= 60 * MINUTES * 2 else 1


def asked(line: dict[str, Any], given: Any, seed: int) -> bool:
    """Whether a play is the one of a seed."""
    wanted = given.method, seed, given.steps, given.sizes
    return (line["method"], line["seed"], line["steps"], line["sizes"]) == wanted


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
