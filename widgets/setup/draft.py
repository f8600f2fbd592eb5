"""A config while it is being written: tables that may be wrong, what is wrong with them, and the config as text."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from workbench import registry
from workbench.config import ConfigError, RunConfig, describe_all

Tables = dict[str, Any]
#: Where the text of a mistake says it is: `table.field = value: …`, `table.field: …`, `piece.field needs …`.
PLACE = re.compile(
    r"""(?P<path>\w+(?:\.\w+)*)(?: = (?:'[^']*'|"[^"]*"|\{.*?\}|\[.*?\]|.*?))?(?:: | (?=needs |cannot |multiplies ))""",
    re.DOTALL,
)


def tables_of(config: RunConfig) -> Tables:
    """A config as tables, with every slot of its method and every default written out."""
    method = {"method": config.method.key, **config.method.to_dict()}
    return {**config.to_dict(), "method": method}


def read_fields(tables: Mapping[str, Any]) -> tuple[RunConfig | None, list[str]]:
    """The config, or what is wrong with its single fields; asks neither disk nor network."""
    registry.load()
    config = RunConfig.__new__(RunConfig)
    try:
        BaseModel.__init__(config, **tables)
    except ValidationError as error:
        return None, describe_all(error)
    return config, []


def quick_errors(tables: Mapping[str, Any]) -> tuple[RunConfig | None, list[str]]:
    """The config if its fields are right, and all that is wrong and can be told at once."""
    config, found = read_fields(tables)
    if config is None:
        return None, found
    return config, config.errors(RunConfig.model_fields.keys() - {"task", "exams"})  # both may read files


def all_errors(tables: Mapping[str, Any]) -> tuple[RunConfig | None, list[str]]:
    """The config if its fields are right, and everything that would keep it from running; may take seconds."""
    from workbench.runs.process.build import errors

    try:
        config = RunConfig(**tables)
    except ConfigError as error:
        return None, error.errors
    return config, errors(config)


@dataclass(frozen=True)
class Mistake:
    """A problem with the place it names: `path` leads from the table to the field, through pieces by name."""

    path: tuple[str, ...]
    text: str  # what is left to say beside the field
    whole: str

    @classmethod
    def of(cls, problem: str) -> "Mistake":
        """From the text of a problem; one that names no place has an empty path.

        >>> Mistake.of("method.surrogate: clip.low = -1: too small").path
        ('method', 'surrogate', 'clip', 'low')
        >>> Mistake.of("rollouts.temperature = 0: all alike").text
        'all alike'
        """
        path: tuple[str, ...] = ()
        rest = problem
        while match := PLACE.match(rest):
            if path and "." not in match["path"]:
                break  # words of the sentence
            path, rest = (*path, *match["path"].split(".")), rest[match.end() :]
        return cls(path, rest, problem)


# -------------------------------------------------------------------------------------------- as Python


def as_python(config: RunConfig) -> str:
    """Source that makes the config again, and launches it; what is as by default is left out."""
    lines = [f"    {name}={source(value, 1)}," for name, value in essence(config).items()]
    return "\n".join(["from workbench import RunConfig, launch", "", "config = RunConfig(", *lines, ")",
                      "run = launch(config)", ""])  # fmt: skip


def essence(config: RunConfig) -> Tables:
    """The tables of a config without what is as by default; pieces and the method stay whole."""
    found = config.to_dict()
    plain = RunConfig(task=config.task, rewards=config.rewards, method=config.method).to_dict()
    kept = ("task", "rewards", "method", "pruning")
    for name, table in list(found.items()):
        if isinstance(table, dict) and name not in kept:
            found[name] = {key: value for key, value in table.items() if plain[name].get(key) != value}
    return {name: value for name, value in found.items() if name in kept or (value and value != plain.get(name))}


def source(value: Any, depth: int) -> str:
    """A plain value as Python writes it, a table over several lines where one would be long."""
    short = one_line(value)
    if len(short) + 4 * depth <= 100 or not isinstance(value, dict | list):
        return short
    inner, outer = "    " * (depth + 1), "    " * depth
    if isinstance(value, dict):
        parts = [f"{inner}{one_line(key)}: {source(item, depth + 1)}," for key, item in value.items()]
        return "\n".join(["{", *parts, outer + "}"])
    return "\n".join(["[", *(f"{inner}{source(item, depth + 1)}," for item in value), outer + "]"])


def one_line(value: Any) -> str:
    """A plain value as Python writes it, texts in double quotes.

    >>> one_line({"grade": "whole", "weight": 1.0, "opened": False})
    '{"grade": "whole", "weight": 1.0, "opened": False}'
    """
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{one_line(key)}: {one_line(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(one_line(item) for item in value) + "]"
    return f'float("{value}")' if isinstance(value, float) and not math.isfinite(value) else repr(value)
