"""The table `[sweep]` of a config: which fields vary, over which seeds, how far, and which arms are given up early.

An arm is one choice on every axis. Axes that vary together are `paired`, arms that no grid describes are written out.
"""

import itertools
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from workbench.config import ConfigError
from workbench.errors import among, shortened
from workbench.sections import SEED

STRICT = ConfigDict(extra="forbid", frozen=True)
MOST = 10_000  # plays of a sweep
LENGTH = 70  # letters of an arm's name
RESERVED = {"seed": "give the seeds under sweep.seeds", "name": "plays are named by their arm and seed"}
UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")

Changes = dict[str, Any]
Seed = Annotated[int, Field(ge=0, le=SEED)]


class Budget(BaseModel):
    """How much a sweep may use; nothing given: no limit."""

    model_config = STRICT

    plays: int | None = Field(None, ge=1, description="plays that are started at most: every arm's first seed first")
    hours: float | None = Field(None, gt=0, allow_inf_nan=False, description="hours in which plays train, side by side")


class Halving(BaseModel):
    """Successive halving (arXiv:1502.07943): at some steps only the best arms continue."""

    model_config = STRICT

    at: tuple[Annotated[int, Field(ge=1)], ...] = Field(min_length=1, description="steps at which arms are given up")
    keep: float = Field(0.5, gt=0, lt=1, description="share of the arms that continue, rounded up")
    metric: str = Field("accuracy", min_length=1, description="its last value up to that step, averaged over the seeds")
    best: Literal["highest", "lowest"] = Field("highest", description="which values of the metric are good")


class Axes(BaseModel):
    """What varies. ConfigError, which names every error, if it is invalid."""

    model_config = STRICT

    seeds: Annotated[int, Field(ge=1, le=MOST)] | tuple[Seed, ...] = Field(
        1, description="how many seeds, counted from the config's own, or which ones"
    )
    grid: dict[str, Any] = Field({}, description="fields with a list of values each: all combinations are played")
    paired: tuple[dict[str, Any], ...] = Field((), description="fields whose lists are read side by side, a table each")
    arms: dict[str, dict[str, Any]] = Field(
        {}, description="arms written out: by name, the fields in which each differs"
    )
    jobs: int | None = Field(None, ge=1, description="plays side by side; left out: as many as the cores carry")
    on: str = Field("local", description="where plays run")
    budget: Budget = Budget()
    halving: Halving | None = Field(None, description="give up arms early; left out: every arm is played to its end")

    def __init__(self, **tables: Any) -> None:
        try:
            super().__init__(**tables)
        except ValidationError as error:
            raise ConfigError(list(dict.fromkeys(map(told, error.errors())))) from None
        wrong = self.mistakes()
        if wrong:
            raise ConfigError(wrong)

    @property
    def groups(self) -> list[tuple[str, dict[str, Any]]]:
        """Axes that vary together, with where they stand: every table of `paired`, and each field of the grid."""
        pairs = [(f"sweep.paired.{number}", leaves(table)) for number, table in enumerate(self.paired)]
        return pairs + [("sweep.grid", {name: values}) for name, values in leaves(self.grid).items()]

    def mistakes(self) -> list[str]:
        """Everything that is wrong across the fields of the table."""
        found = [text for place, group in self.groups for text in group_errors(place, group)]
        names = [name for _, group in self.groups for name in group]
        twice = sorted({name for name in names if names.count(name) > 1})
        found += [f"sweep: {name} is on two axes; leave one out" for name in twice]
        if isinstance(self.seeds, tuple) and (not self.seeds or len(set(self.seeds)) < len(self.seeds)):
            found.append(f"sweep.seeds = {list(self.seeds)}: give one seed or more, each once")
        steps = self.halving.at if self.halving else ()
        if list(steps) != sorted(set(steps)):
            found.append(f"sweep.halving.at = {list(steps)}: give steps that rise")
        written = [(arm, name) for arm, table in self.arms.items() for name in leaves(table)]
        found += [f"sweep.arms.{arm}.{name}: {RESERVED[name]}" for arm, name in written if name in RESERVED]
        return found or self.size_errors()

    def size_errors(self) -> list[str]:
        """More plays than anybody means."""
        sizes = [len(next(iter(group.values()))) for _, group in self.groups]
        seeds = self.seeds if isinstance(self.seeds, int) else len(self.seeds)
        count = math.prod(sizes) * max(len(self.arms), 1) * seeds
        return [f"sweep: {count:,} plays; give fewer values, at most {MOST:,} plays in all"] if count > MOST else []

    def choices(self) -> "Iterator[Arm]":
        """Every arm, in order: the last axis varies fastest."""
        written: list[tuple[str, Changes]] = list(self.arms.items()) or [("", {})]
        places = [range(len(next(iter(group.values())))) for _, group in self.groups]
        for (own, table), numbers in itertools.product(written, itertools.product(*places)):
            chosen = {
                name: values[number]
                for (_, group), number in zip(self.groups, numbers, strict=True)
                for name, values in group.items()
            }
            texts = [own] if own else []
            texts += [f"{name.rpartition('.')[2]}={text_of(value)}" for name, value in chosen.items()]
            changes = dict(table)
            for name, value in chosen.items():
                changes = joined(changes, nested(name, value))
            yield Arm(", ".join(texts) or "all", changes, chosen)

    def seeds_from(self, first: int) -> tuple[int, ...]:
        """The seeds; a number of them is counted from `first`."""
        return tuple(range(first, first + self.seeds)) if isinstance(self.seeds, int) else self.seeds


@dataclass(frozen=True)
class Arm:
    """One choice on every axis: how it is told, and what it changes in the config."""

    label: str
    changes: Changes
    chosen: Mapping[str, Any]  # the values on the axes, by the fields' dotted names

    @property
    def name(self) -> str:
        """The label as the beginning of a folder's name; two labels may share one."""
        return UNSAFE.sub("-", self.label.replace(", ", "_")).strip("-._")[:LENGTH] or "arm"


def group_errors(place: str, group: Mapping[str, Any]) -> list[str]:
    """What is wrong with axes that vary together."""
    found = [f"{place}.{name}: {RESERVED[name]}" for name in group if name in RESERVED]
    for name, values in group.items():
        if not isinstance(values, list | tuple) or not values:
            found.append(f"{place}.{name} = {shortened(values)}: give a list of values, as in [1, 2]")
        elif any(values.count(value) > 1 for value in values):
            found.append(f"{place}.{name} = {shortened(list(values))}: give each value once")
    if not group:
        found.append(f"{place}: is empty; give fields with a list of values each")
    lengths = {name: len(values) for name, values in group.items() if isinstance(values, list | tuple)}
    if len(set(lengths.values())) > 1:
        counts = ", ".join(f"{name} has {count}" for name, count in lengths.items())
        found.append(f"{place}: paired fields need as many values each; {counts}")
    return found


def leaves(table: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """The fields of nested tables by their dotted names, however they were written.

    >>> leaves({"training": {"steps": [1, 2]}, "rollouts.problems": [4]})
    {'training.steps': [1, 2], 'rollouts.problems': [4]}
    """
    found: dict[str, Any] = {}
    for name, value in table.items():
        found |= leaves(value, f"{before}{name}.") if isinstance(value, Mapping) else {before + name: value}
    return found


def nested(name: str, value: Any) -> Changes:
    """A field's value in the tables around it.

    >>> nested("training.steps", 3)
    {'training': {'steps': 3}}
    """
    for part in reversed(name.split(".")):
        value = {part: value}
    return dict(value)


def joined(first: Changes, second: Changes) -> Changes:
    """Tables with the fields of others in them; a name stands for the table with that name.

    >>> joined({"method": "grpo"}, {"method": {"loss": 1}})
    {'method': {'method': 'grpo', 'loss': 1}}
    """
    found = dict(first)
    for name, value in second.items():
        own = found.get(name)
        if isinstance(own, Mapping) or isinstance(value, Mapping):
            tables = [{name: each} if isinstance(each, str) else each for each in (own or {}, value)]
            found[name] = joined(*tables) if all(isinstance(each, Mapping) for each in tables) else value
        else:
            found[name] = value
    return found


def text_of(value: Any) -> str:
    """A value of an axis in few characters: of a table, the name in it."""
    if isinstance(value, Mapping):
        return next((str(item) for item in value.values() if isinstance(item, str)), "table")
    return f"{value:g}" if isinstance(value, float) else str(value)


def told(item: Mapping[str, Any]) -> str:
    """One of pydantic's errors, with field, value and remedy."""
    place = ".".join(["sweep", *(str(part) for part in item["loc"] if part not in ("constrained-int", "int"))])
    if item["type"] == "extra_forbidden":
        tables: dict[str, type[BaseModel]] = {"budget": Budget, "halving": Halving}
        known = tables.get(str(item["loc"][0]), Axes).model_fields
        return f"{place}: no such field{among(str(item['loc'][-1]), known, 'fields')}"
    text = str(item["msg"])
    return f"{place}: {text}" if item["type"] == "missing" else f"{place} = {shortened(item['input'])}: {text}"
