"""What a recorded rollout was asked, and problems by their key."""

import functools
from collections.abc import Mapping
from typing import Any, Literal

from workbench.kinds import Task
from workbench.runs.open import Run, spans
from workbench.types import Problem

ENDLESS = 20_000  # problems of an endless pool that are looked through for a key


def recorded(run: Run, step: int, rollout: int) -> dict[str, Any]:
    """What a branch needs of a recorded rollout; ValueError where it is not on record."""
    columns = ("rollout", "group", "problem", "prompt", "prompt_ids", "token_ids", "answer")
    frame = run.rollouts(step, columns)
    found = frame[frame["rollout"] == rollout]
    if not len(found):
        raise ValueError(
            f"step {step} of {run.path} has no rollout {rollout}; there are: {spans(frame['rollout'].tolist())}"
        )
    return dict(found.iloc[0])


def asked_in(task: Task, row: Mapping[str, Any]) -> Problem:
    """The problem of a recorded rollout.

    One that the task does not have, since a controller made it, is known by the answer on record alone.
    """
    found = find_problem(task, str(row["problem"]))
    if found is not None and found.answer == row["answer"]:
        return found
    return Problem(str(row["problem"]), str(row["prompt"]), str(row["answer"]))


@functools.lru_cache(maxsize=256)
def find_problem(task: Task, key: str, split: Literal["train", "test"] = "train") -> Problem | None:
    """The problem of a split with this key; None where there is none, or not among the first of an endless pool."""
    size = task.size(split)
    problems = (task.problem(number, split) for number in range(ENDLESS if size is None else size))
    return next((problem for problem in problems if problem.key == key), None)
