"""Some completions to be read before a run starts: what the model says, and how it is graded."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from workbench.training.sampling import Clock
from workbench.training.step import Step
from workbench.training.trainer import Settings, Trainer

SHOWN = 8  # held-out problems that are asked, once each
KEPT = ("prompt", "text", "answer", "correct", "finish")


def ask_some(trainer: Trainer, settings: Settings) -> list[dict[str, Any]]:
    """Completions of the first `SHOWN` held-out problems under a run's settings; empty where it evaluates none.

    Leaves the trainer with changed settings.
    """
    if not settings.evaluation.problems:
        return []
    evaluation = settings.evaluation.model_copy(update={"problems": SHOWN, "probes": 0})
    trainer.settings = dataclasses.replace(settings, evaluation=evaluation)
    return completions(trainer.evaluated(Step(0, {}), Clock()).evaluation or {})


def completions(columns: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Rows of the columns in `KEPT`; a grade that is missing is None.

    >>> columns = {name: ["x"] for name in KEPT} | {"correct": [float("nan")]}
    >>> completions(columns)[0]["correct"] is None
    True
    """
    rows = [dict(zip(KEPT, row, strict=True)) for row in zip(*(columns[name] for name in KEPT), strict=True)]
    return [row | {"correct": None if math.isnan(row["correct"]) else float(row["correct"])} for row in rows[:SHOWN]]
