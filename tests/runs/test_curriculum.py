"""The curriculum of a run: rate, length and visits of every stocked problem, from its journals and its rollouts."""

import json
import math
from pathlib import Path

import numpy

from workbench.runs.curriculum import curriculum
from workbench.runs.directory.paths import RunDirectory
from workbench.runs.directory.record import write_rollouts
from workbench.runs.open import Run

MADE = [
    {"step": 1, "key": "a", "prompt": "p", "answer": "1", "source": "predict", "data": {"rate": 0.25, "lines": 2}},
    {"step": 1, "key": "b", "prompt": "q", "answer": "2", "source": "find", "data": {}},
    {"step": 2, "key": "c", "prompt": "r", "answer": "3", "source": "find", "data": {}},
    {"step": 3, "key": "b", "prompt": "q", "answer": "2", "source": "find", "data": {"more": 1}},
]
SEEN = [{"step": 2, "visits": [["a", -1, 4, 1.0, 7.0]]}, {"step": 3, "visits": [["a", -1, 4, 3.0, 7.0]]}]


def write(path: Path, lines: list[dict[str, object]]) -> None:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def test_rate_length_and_visits_of_every_problem(directory: RunDirectory) -> None:
    write(directory.problems, MADE)
    write(directory.ledger, SEEN)
    write(directory.metrics, [{"step": step, "attempt": 1, "time": 0.0} for step in (1, 2, 3)])
    tokens = [[5, 6], [5, 6, 7, 8], [5]]
    columns = {
        "step": [1, 1, 1],
        "rollout": [0, 1, 2],
        "problem": ["b", "b", "other"],
        "group": [0, 0, 1],
        "role": ["try", "try", "propose"],
        "correct": [1.0, 0.0, math.nan],
        "text": ["", "", ""],
        "token_ids": numpy.array([token for row in tokens for token in row], dtype=numpy.int32),
        "offsets": numpy.array([0, 2, 6, 7], dtype=numpy.int32),
    }
    write_rollouts(directory.rollout_file(1), columns)
    a, b, c = curriculum(Run(directory))
    assert (a["rate"], a["lines"], a["visits"], a["solved"]) == (0.25, 2.0, 8.0, 0.5)
    assert math.isnan(a["length"])
    assert (b["step"], b["rate"], b["length"], b["visits"]) == (1, 0.5, 3.0, 0)
    assert (c["step"], c["source"]) == (2, "find")
    assert math.isnan(c["rate"])


def test_a_run_that_makes_no_problems_has_none(directory: RunDirectory) -> None:
    assert curriculum(Run(directory)) == []
