"""How often the `math` reward agrees with a careful person's grade on pairs of reference and answer; one JSON line.

`python -m benchmarks.grader_pairs [FILE.jsonl …]` reads WORKBENCH_DATA/grader_pairs.json (answers are put in a box) and
every further file: one object a line with `gold`, `text`, and `want` (1, 0, or null where either may be said; those are
left out). `seconds` is processor time a pair, that of the processes for computer algebra included, in the second of two
passes; `wall` is the wall time. `--show` lists the pairs that differ.
"""

import json
import math
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.common import options, publish
from workbench.rewards.grading.pool import shared_pool
from workbench.rewards.math import Math
from workbench.types import Problem, Request, Rollout, Score

Case = tuple[str, str, int]  # reference, text, the grade it should have


def boxed_pairs(folder: Path) -> Iterator[Case]:
    """The pairs of formulas that come with the data."""
    for pair in json.loads((folder / "grader_pairs.json").read_text("utf-8")):
        yield pair["gold"], "\\boxed{" + pair["answer"] + "}", int(pair["same"])


def listed_pairs(path: Path) -> Iterator[Case]:
    """The pairs of a file that have one grade."""
    for line in path.read_text("utf-8").split("\n"):
        row = json.loads(line) if line.strip() else {}
        if row.get("want") is not None:
            yield row["gold"], row["text"], int(row["want"])


def score(reward: Math, case: Case) -> Score:
    """The reward's score of one text."""
    problem = Problem("0", "", case[0])
    return reward(problem, [Rollout(Request(problem, (0,), 0, 0), 0, [0], case[1], [0.0], [0.0], "stop")], None)[0]


def processor_seconds(workers: int) -> float:
    """Processor time of this process and of those that compare formulas, ended ones included."""
    ticks = 0
    for worker in shared_pool(workers).workers:
        fields = Path(f"/proc/{worker.process.pid}/stat").read_text("utf-8").rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    own = os.times()
    return own.user + own.system + own.children_user + own.children_system + ticks / os.sysconf("SC_CLK_TCK")


def measure(cases: list[Case]) -> tuple[dict[str, Any], list[tuple[Case, Score]]]:
    """Errors of both kinds as counts and shares, unscored pairs, and time; and the pairs that differ."""
    reward = Math()
    for case in cases:
        score(reward, case)  # the processes are running, and formulas have been imported
    before, started = processor_seconds(reward.workers), time.perf_counter()
    scores = [score(reward, case) for case in cases]
    seconds, wall = processor_seconds(reward.workers) - before, time.perf_counter() - started
    found = list(zip(cases, scores, strict=True))
    correct, incorrect = (sum(case[2] == value for case in cases) for value in (1, 0))
    positives = sum(one.value == 1 and case[2] == 0 for case, one in found)
    negatives = sum(one.value != 1 and case[2] == 1 for case, one in found)
    return {
        "cases": len(cases),
        "false_positives": positives,
        "false_positive_share": round(positives / max(1, incorrect), 4),
        "false_negatives": negatives,
        "false_negative_share": round(negatives / max(1, correct), 4),
        "unscored": sum(math.isnan(one.value) for one in scores),
        "seconds": round(seconds / len(cases), 6),
        "wall": round(wall / len(cases), 6),
    }, [(case, one) for case, one in found if one.value != case[2]]


def main(arguments: list[str]) -> int:
    """Measures all pairs together."""
    parser = options(__doc__ or "")
    parser.add_argument("files", nargs="*", type=Path, help="JSON Lines with gold, text and want")
    parser.add_argument("--show", action="store_true", help="list the pairs that differ")
    given = parser.parse_args(arguments)
    if "WORKBENCH_DATA" not in os.environ:
        raise SystemExit("set WORKBENCH_DATA to the folder with grader_pairs.json")
    cases = [
        *boxed_pairs(Path(os.environ["WORKBENCH_DATA"])),
        *(case for path in given.files for case in listed_pairs(path)),
    ]
    numbers, differing = measure(cases)
    for (reference, text, wanted), one in differing if given.show else ():
        print(f"wanted {wanted}, got {one.value}: {reference!r} <- {text!r}: {one.reason}", file=sys.stderr)
    publish("grader_pairs", numbers, save=given.save)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
