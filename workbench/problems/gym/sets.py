"""The data sets of reasoning-gym: how one is made, and which are refused and why.

github.com/open-thought/reasoning-gym, arXiv:2505.24760; the extra `tasks`. It is imported when the first data set is
made, in processes of their own: `items.py` and the reward's.
"""

import functools
import json
import random
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from workbench.errors import among

REMEDY = "pip install 'rlvr-workbench[tasks]'"
BLOCK = 500  # problems of one instance, where an instance knows only so many
BOUNDED = frozenset({"acre", "gsm_symbolic", "list_functions", "word_ladder"})  # whose instances do
#: Data sets whose verifier runs what the model wrote, by `eval` or `sympy.parse_expr`: in the sandbox alone.
EVALUATING = frozenset(
    {
        "binary_matrix",
        "countdown",
        "intermediate_integration",
        "n_queens",
        "polynomial_multiplication",
        "puzzle24",
        "simple_integration",
        "spiral_matrix",
        "string_insertion",
    }
)
REFUSED = {
    "codeio": "it runs programs to make problems, and some read the clock: problem i is not the same in every process",
    "composite": "it is a mixture of others; mix them with the task `mixture`",
}


def make(name: str, settings: Mapping[str, Any], level: int | None, seed: int = 0, size: int = BLOCK) -> Any:
    """An instance of a data set; equal ones are made once.

    `level` sets every attribute of the data set's own curriculum to it, or to its last; `settings`, fields of its
    configuration, have precedence. ValueError for a data set that is refused or not known, and for settings that it
    does not take.
    """
    return make_once(name, json.dumps(dict(settings), sort_keys=True), level, seed, size)


@functools.lru_cache(maxsize=16)
def make_once(name: str, settings: str, level: int | None, seed: int, size: int) -> Any:
    """As `make`, with the settings as JSON."""
    known = names()
    if name not in known:
        raise ValueError(f"dataset = {name!r}: reasoning-gym has no such data set{among(name, known)}")
    if name in REFUSED:
        raise ValueError(f"dataset = {name!r} is refused: {REFUSED[name]}")
    from reasoning_gym.factory import DATASETS

    kind: Any
    config: Any
    kind, config = DATASETS[name]
    values = {**of_level(name, level), **json.loads(settings), "seed": seed, "size": size}
    known_fields = {each.name for each in fields(config)}
    unknown = sorted(set(values) - known_fields)
    if unknown:
        own = sorted(known_fields - {"seed", "size"})
        raise ValueError(f"settings: {name} has no field {unknown[0]!r}{among(unknown[0], own, 'its fields')}")
    try:
        return kind(config=config(**values))
    except (AssertionError, TypeError, ValueError, KeyError, IndexError) as error:  # how its configurations refuse
        what = str(error) or type(error).__name__
        raise ValueError(f"settings = {values}: {name} refuses them ({what}); correct the value") from error


def names() -> list[str]:
    """Every data set, the refused ones included. ValueError where the extra is not installed."""
    try:
        from reasoning_gym.factory import DATASETS
    except ImportError as error:
        raise ValueError(f"reasoning-gym is not installed ({error}): {REMEDY}") from error
    return sorted(DATASETS)


def of_level(name: str, level: int | None) -> dict[str, Any]:
    """The fields that a curriculum sets at a level; none without one."""
    if level is None:
        return {}
    from reasoning_gym.factory import create_curriculum, has_curriculum

    if not has_curriculum(name):
        raise ValueError(f"level = {level}: {name} has no curriculum; leave level out and write settings")
    curriculum = create_curriculum(name)
    for attribute, definition in curriculum.attributes.items():
        curriculum.set_attr_level(attribute, min(level, len(definition.levels) - 1))
    return {field: value for field, value in vars(curriculum.generate_configuration({})).items() if field != "seed"}


def item(name: str, settings: Mapping[str, Any], level: int | None, number: int) -> Mapping[str, Any]:
    """Item `number` of a data set, from 0 without end: question, answer and metadata.

    Equal in every process that was started with the same PYTHONHASHSEED: some generators walk over sets of strings,
    and some draw from Python's own generator beside their seed.
    """
    first = number - number % BLOCK if name in BOUNDED else 0
    made = make(name, settings, level, seed=first)
    random.seed(number)
    found: Mapping[str, Any] = made[number - first]
    return found
