"""One problem over the steps of a run: accuracy and length; and the rollouts of a tracked problem."""

import functools
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from widgets.recorded.data import RunData, group_parts, read, token_counts
from widgets.recorded.question import question_of
from widgets.wire.payload import pack

MOST_CELLS = 60  # steps of a problem that are sent; more are thinned evenly, the newest kept
NAMES = ("rollout", "problem", "group", "prompt", "correct", "token_ids")


@dataclass(frozen=True)
class Outcome:
    """The outcomes of a problem's rollouts at a step; `length`: mean tokens."""

    group: int
    question: str
    rollouts: int
    scored: int
    correct: int
    length: float


def histories(data: RunData, problem: str) -> dict[str, Any]:
    """The cells of a training problem and of every tracked problem, by step, and the steps that cannot be read."""
    unreadable: set[int] = set()
    trained = {step: found for step, found in outcomes_of(data, "rollouts", unreadable) if problem in found}
    probed = dict(outcomes_of(data, "probes", unreadable))
    keys = dict.fromkeys(key for found in probed.values() for key in found)
    return {
        "own": history(problem, trained),
        "probes": [history(key, probed) for key in keys],
        "unreadable": sorted(unreadable),
    }


def outcomes_of(data: RunData, folder: str, unreadable: set[int]) -> Iterable[tuple[int, Mapping[str, Outcome]]]:
    """Every recorded step of a folder with its outcomes by problem; a step that cannot be read goes to `unreadable`."""
    for step in data.run.steps(folder):
        path = Path(data.run.file(folder, step))
        try:
            yield step, outcomes(path, path.stat().st_mtime_ns, data.special)
        except (OSError, ValueError):  # arrow's errors are ValueErrors: the file is broken, or was taken away meanwhile
            unreadable.add(step)


@functools.lru_cache(maxsize=4096)
def outcomes(path: Path, modified: int, special: tuple[str, ...] = ()) -> Mapping[str, Outcome]:
    """The outcomes of each problem in a step's file; `modified` is the time at which the file was written,
    `special` the texts of special tokens."""
    del modified  # a part of the key: a step may be written again
    table = read(path, NAMES)
    rows = table.select(["problem", "group", "prompt", "correct"]).to_pylist()
    members: dict[str, list[tuple[dict[str, Any], int]]] = {}
    for row, length in zip(rows, token_counts(table).tolist(), strict=True):
        members.setdefault(row["problem"], []).append((row, length))
    return {problem: outcome(found, special) for problem, found in members.items()}


def outcome(members: list[tuple[dict[str, Any], int]], special: tuple[str, ...] = ()) -> Outcome:
    """The outcome of rows with their lengths; an unscored rollout counts as neither correct nor incorrect."""
    first = members[0][0]
    grades = [row["correct"] for row, _ in members if row["correct"] is not None and row["correct"] == row["correct"]]
    length = sum(count for _, count in members) / len(members)
    correct = sum(grade > 0.5 for grade in grades)
    return Outcome(
        first["group"],
        question_of(first["prompt"], special),
        len(members),
        len(members) if grades else 0,
        correct,
        length,
    )


def history(problem: str, found: Mapping[int, Mapping[str, Outcome]]) -> dict[str, Any]:
    """A problem's cells, in the order of the steps; `count`: how many there are, thinned ones included."""
    cells = [{"step": step, **asdict(each[problem])} for step, each in sorted(found.items()) if problem in each]
    question = cells[-1]["question"] if cells else ""
    for cell in cells:
        del cell["question"]
    return {"problem": problem, "question": question, "count": len(cells), "cells": thinned(cells)}


def thinned(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """At most `MOST_CELLS`, evenly, the newest kept.

    >>> [cell["step"] for cell in thinned([{"step": step} for step in range(1, 121)])][:3]
    [2, 4, 6]
    """
    apart = -(-len(cells) // MOST_CELLS) or 1
    return cells[::-1][::apart][::-1]


def probe(data: RunData, step: int, group: int) -> bytes:
    """The rollouts of a tracked problem at a step, as a payload of kind `probe`; ValueError where there are none."""
    path = Path(data.run.file("probes", step))
    if not path.is_file():
        known = data.run.steps("probes")
        steps = ", ".join(map(str, known)) or "none; set evaluation.probes"
        raise ValueError(
            f"step {step} of {data.path.name} has no tracked problems on record; steps that have some: {steps}"
        )
    table: pa.Table = read(path, None, group)
    if not table.num_rows:
        raise ValueError(f"step {step} of {data.path.name} has no tracked problem {group}; choose one of its histories")
    header, columns = group_parts(table, data.vocabulary)
    return pack({"kind": "probe", "step": step, "group": group, **header}, columns)
