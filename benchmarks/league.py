"""Every method on the same task, problems and seeds, each at the best of three learning rates.

`make league` runs what is not yet in `results/league/plays.jsonl`, so it can be stopped and resumed; then it writes
the table's line. The learning rate is chosen on separate seeds. A league ranks methods on one small task on which
working step by step is better; it says little about large models, and hyper-parameters are each method's defaults.
"""

import dataclasses
import json
import multiprocessing
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from benchmarks.common import RESULTS, commit, hardware, now, options, publish
from benchmarks.league_play import Play, mean, play
from benchmarks.middles import bootstrap_interval, interquartile_mean
from workbench.methods import METHODS

PLAYS = RESULTS / "league" / "plays.jsonl"
RATES = (1e-4, 3e-4, 1e-3)
TUNING_SEEDS = (1000, 1001)
FIELDS = [field.name for field in dataclasses.fields(Play)]
DEFAULTS = {"pool": 0}  # of plays on record that had no such field
#: Methods that live on problems being asked again: `python -m benchmarks.league --again --pool 128`.
AGAIN = (
    *("grpo", "dapo", "fg_expo", "trapo", "sgpo", "drive", "duet", "svs", "rise", "srt", "ttrl", "nudge"),
    *("deep_search", "low_likelihood", "mqr", "mqr_model", "sws", "npo", "codev", "ace_reason", "head_tail"),
)


class League:
    """The plays on record, and those still to be played: how long each trains, and on how many problems (0: no end)."""

    def __init__(self, path: Path, steps: int, pool: int = 0) -> None:
        self.path, self.steps, self.pool = path, steps, pool
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        self.lines = {self.key(line): line for line in map(json.loads, lines)}

    @staticmethod
    def key(line: dict[str, Any]) -> tuple[Any, ...]:
        """What tells one play from another."""
        return tuple(line.get(name, DEFAULTS.get(name)) for name in FIELDS)

    def found(self, wanted: Play) -> dict[str, Any] | None:
        """The line of a play; None if it was not played."""
        return self.lines.get(self.key(dataclasses.asdict(wanted)))

    def tuning(self, method: str) -> list[Play]:
        """The plays that choose a method's learning rate."""
        fields: dict[str, Any] = {"held_out": 256, "tries": 0, "pool": self.pool}
        return [Play(method, rate, seed, self.steps, **fields) for rate in RATES for seed in TUNING_SEEDS]

    def counted(self, method: str, seeds: int) -> list[Play]:
        """The plays that count; none before the learning rate is chosen."""
        rate = self.rate(method)
        fields: dict[str, Any] = {"tried": 64, "pool": self.pool}
        return [] if rate is None else [Play(method, rate, seed, self.steps, **fields) for seed in range(seeds)]

    def rate(self, method: str) -> float | None:
        """The learning rate with the best mean accuracy over the tuning seeds, a failed play counted as 0."""
        lines = [self.found(wanted) for wanted in self.tuning(method)]
        if any(line is None for line in lines):
            return None
        scores = {rate: mean([accuracy(line) for line in lines if line["learning_rate"] == rate]) for rate in RATES}
        return max(RATES, key=lambda rate: scores[rate])

    def add(self, line: dict[str, Any], machine: dict[str, Any]) -> None:
        """Keeps a play."""
        self.lines[self.key(line)] = line
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({**line, **machine}) + "\n")

    def play_all(self, wanted: Iterable[Play], jobs: int) -> None:
        """Plays what is not on record, `jobs` at a time."""
        open_plays = [each for each in wanted if self.found(each) is None]
        machine = {"commit": commit(), "time": now(), "processor": hardware()["processor"]}
        with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
            futures = [pool.submit(play, each) for each in open_plays]
            for number, future in enumerate(as_completed(futures), 1):
                line = future.result()
                self.add(line, machine)
                told = line.get("failed") or f"{line['accuracy']:.3f} in {line['seconds']:.0f} s"
                place = f"{number}/{len(futures)} {line['method']} {line['learning_rate']:g} seed {line['seed']}"
                print(f"{place}: {told}", file=sys.stderr, flush=True)

    def row(self, method: str, seeds: int) -> dict[str, Any]:
        """What came of a method's plays; `failed` lists why some broke off."""
        lines = [line for wanted in self.counted(method, seeds) if (line := self.found(wanted)) is not None]
        whole = [line for line in lines if "failed" not in line]
        low, high = bootstrap_interval([accuracy(line) for line in lines], interquartile_mean)
        numbers = {name: rounded([line[name] for line in whole]) for name in ("pass_k", "entropy", "cpu_seconds")}
        return {
            "learning_rate": self.rate(method),
            "accuracy": round(interquartile_mean([accuracy(line) for line in lines]), 4),
            "interval": [round(low, 4), round(high, 4)],
            **numbers,
            "tokens": rounded([line["tokens"] for line in whole]),
            "plays": len(lines),
            "failed": [line["failed"] for line in lines if "failed" in line],
        }


def accuracy(line: dict[str, Any]) -> float:
    """Of a play; 0 where it broke off."""
    return float(line.get("accuracy") or 0.0)


def rounded(values: Sequence[float | None]) -> float | None:
    """The mean to four digits, of what is known."""
    known = mean([value for value in values if value is not None])
    return None if known is None else round(known, 4)


def main(arguments: list[str]) -> int:
    """Plays all methods, or the named ones; fails where a play broke off."""
    parser = options(__doc__ or "")
    parser.add_argument("methods", nargs="*", help="keys of methods; none: all")
    parser.add_argument("--steps", type=int, default=30, help="steps of every play")
    parser.add_argument("--seeds", type=int, default=5, help="seeds that count")
    parser.add_argument("--jobs", type=int, default=2, help="plays at a time, one thread each")
    parser.add_argument("--plays", type=Path, default=PLAYS, help="file of the plays")
    parser.add_argument("--pool", type=int, default=0, help="problems to train on, again and again; 0: without end")
    parser.add_argument("--again", action="store_true", help="the methods that live on problems being asked again")
    given = parser.parse_args(arguments)
    names = given.methods or (list(AGAIN) if given.again else sorted(METHODS))
    league = League(given.plays, given.steps, given.pool)
    league.play_all([wanted for name in names for wanted in league.tuning(name)], given.jobs)
    counted = [wanted for name in names for wanted in league.counted(name, given.seeds)]
    league.play_all(sorted(counted, key=lambda wanted: wanted.seed), given.jobs)  # stopped early, all have as many
    table = {name: league.row(name, given.seeds) for name in names}
    numbers = {"steps": given.steps, "seeds": given.seeds, "methods": table}
    if given.pool:  # a line of its own: the page shows the whole league
        publish("league_again", {**numbers, "pool": given.pool}, save=given.save)
    else:
        publish("league", numbers, save=given.save)
    return 1 if any(entry["failed"] for entry in table.values()) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
