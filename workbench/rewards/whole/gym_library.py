"""Runs inside the sandbox: reasoning-gym's verifiers that evaluate the answer. It imports nothing of this project."""

import sys
import types
from typing import Any

sys.modules["cellpylib"] = types.ModuleType("cellpylib")  # draws pictures, for which it wants a folder to write in

from reasoning_gym.factory import DATASETS, create_curriculum  # noqa: E402


def score(answer: str, dataset: str, settings: dict[str, Any], level: int | None, entry: dict[str, Any]) -> float:
    """The score of an answer to an item of a data set."""
    kind: Any
    config: Any
    kind, config = DATASETS[dataset]
    made = kind(config=config(**{**of_level(dataset, level), **settings, "seed": 0, "size": 500}))
    return float(made.score_answer(answer, entry))


def of_level(dataset: str, level: int | None) -> dict[str, Any]:
    """The fields that a curriculum sets at a level."""
    if level is None:
        return {}
    curriculum = create_curriculum(dataset)
    for attribute, definition in curriculum.attributes.items():
        curriculum.set_attr_level(attribute, min(level, len(definition.levels) - 1))
    return dict(vars(curriculum.generate_configuration({})))
