"""How often the `math` reward agrees with known grades, and how fast; one JSON line.

`python -m benchmarks.grader_agreement` needs WORKBENCH_DATA. Two sources: model solutions of GSM8K with correctness
flags, and pairs of formulas graded by people. The peer is Math-Verify as it comes, on the same texts: `ratio` is
its time for a GSM8K solution over ours. An unscored answer counts as a disagreement.
"""

import json
import logging
import math
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from math_verify import parse, verify

from benchmarks.common import options, publish
from workbench.rewards.math import Math
from workbench.types import Problem, Request, Rollout, Score

Case = tuple[str, str, bool]  # reference, text, whether it is correct


def flagged_solutions(folder: Path) -> Iterator[Case]:
    """The four solutions of every problem, with the flags that came with them."""
    for line in (folder / "gsm8k" / "example_model_solutions.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        reference = row["ground_truth"].rpartition("A:")[2].strip()
        for given in row.values():
            if isinstance(given, dict):
                yield reference, given["solution"], given["is_correct"]


def pairs(folder: Path) -> Iterator[Case]:
    """Pairs of formulas, the answer in a box."""
    for pair in json.loads((folder / "grader_pairs.json").read_text("utf-8")):
        yield pair["gold"], "\\boxed{" + pair["answer"] + "}", pair["same"]


def score(reward: Math, case: Case) -> Score:
    """The reward's score of one text."""
    problem = Problem("0", "", case[0])
    rollout = Rollout(Request(problem, (0,), 0, 0), 0, [0], case[1], [0.0], [0.0], "stop")
    return reward(problem, [rollout], None)[0]


def peer(case: Case) -> bool:
    """Math-Verify with its defaults, gold in a box as its users do."""
    return bool(verify(parse("\\boxed{" + case[0] + "}"), parse(case[1])))


def measure(cases: list[Case]) -> dict[str, Any]:
    """Agreement of the reward and of the peer with the grades, and milliseconds a text."""
    reward = Math()
    started = time.perf_counter()
    scores = [score(reward, case) for case in cases]
    between = time.perf_counter()
    others = [peer(case) for case in cases]
    ended = time.perf_counter()
    return {
        "cases": len(cases),
        "agree": sum(found.correct == case[2] for found, case in zip(scores, cases, strict=True)),
        "false_positives": sum(
            found.correct is True and not case[2] for found, case in zip(scores, cases, strict=True)
        ),
        "false_negatives": sum(found.correct is False and case[2] for found, case in zip(scores, cases, strict=True)),
        "unscored": sum(math.isnan(found.value) for found in scores),
        "milliseconds": round(1000 * (between - started) / len(cases), 3),
        "peer_agree": sum(other == case[2] for other, case in zip(others, cases, strict=True)),
        "peer_milliseconds": round(1000 * (ended - between) / len(cases), 3),
    }


def data_folder() -> Path:
    """Where the data lies."""
    if "WORKBENCH_DATA" not in os.environ:
        raise SystemExit("set WORKBENCH_DATA to the folder with gsm8k/ and grader_pairs.json")
    return Path(os.environ["WORKBENCH_DATA"])


def main(arguments: list[str]) -> int:
    """Measures both sources; fails where the reward agrees with the flags less often than Math-Verify alone."""
    given = options(__doc__ or "").parse_args(arguments)
    logging.disable(logging.WARNING)  # Math-Verify reports what it cannot parse
    folder = data_folder()
    score(Math(), ("\\frac12", "\\boxed{\\frac{2}{4}}", True))  # the processes are running before the clock
    flags, formulas = measure(list(flagged_solutions(folder))), measure(list(pairs(folder)))
    ratio = round(flags["peer_milliseconds"] / flags["milliseconds"], 2)
    publish("grader_agreement", {"ratio": ratio, "gsm8k": flags, "pairs": formulas}, save=given.save)
    return 0 if flags["agree"] >= flags["peer_agree"] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
