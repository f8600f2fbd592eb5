"""Variants of one template: the same problem with other numbers. VAR-MATH, arXiv:2507.12885."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Annotated, Any, Literal

from pydantic import Field

from workbench.kinds import Task
from workbench.problems.expressions import Number, compute
from workbench.tasks.data.files import Line, read_rows
from workbench.tasks.jsonl import SLOT, check_number, check_template, ordered, stamp
from workbench.types import Problem

Split = Literal["train", "test"]
TEMPLATE = SLOT + "\nReason step by step, then give the final answer in \\boxed{}."
TRIES = 200  # draws for another variant of a template


@dataclass(frozen=True)
class Variants(Task):
    r"""A file of templates; each gives up to `variants` problems, whose `data["family"]` is the template.

    A row has `template`, a text with names in braces ("{a} apples and {b} more"), `variables`, and `answer`, an
    expression of them. A variable is a list of values, a table {low, high, step}, or an expression of those before it.
    Expressions have numbers, + - * / // % **, brackets, abs, min, max, gcd, lcm, floor, ceil, comb and factorial; they
    are computed exactly and never evaluated as code. All variants of a template are in one split.
    `workbench.analysis.families` scores them strictly (all variants correct) and loosely (their mean).
    """

    path: Annotated[str, Field(description="file or folder; a relative path starts at the working directory")]
    variants: Annotated[int, Field(ge=1, le=100, description="problems of each template")] = 5
    template: Annotated[str, Field(description="what the model is asked; {prompt} is the problem")] = TEMPLATE
    test_share: Annotated[float, Field(gt=0, le=1, description="share of the templates held out; 1: all")] = 0.5
    seed: Annotated[int, Field(ge=0, le=2**32 - 1, description="of the values and of the order")] = 42

    def __post_init__(self) -> None:
        super().__post_init__()
        check_template("variants", self.template)

    def problem(self, number: int, split: Split) -> Problem:
        made = self.made()
        if made.errors:
            raise ValueError("; ".join(made.errors))
        check_number(number, len(made.problems[split]), split)
        found = made.problems[split][number]
        return Problem(found.key, self.template.replace(SLOT, found.prompt), found.answer, found.data)

    def size(self, split: Split) -> int:
        return len(self.made().problems[split])

    def check(self) -> list[str]:
        return list(self.made().errors)

    def made(self) -> "Made":
        """All problems, and what is wrong with the file."""
        return make(self.path, self.variants, self.test_share, self.seed, self.version())

    def version(self) -> str:
        return str(stamp(self.path))


@dataclass(frozen=True)
class Made:
    """The problems of a file by split, and its errors."""

    problems: Mapping[Split, tuple[Problem, ...]]
    errors: tuple[str, ...] = ()


@functools.lru_cache(maxsize=8)
def make(path: str, variants: int, share: float, seed: int, version: str) -> Made:
    """The problems of a file as it was at a version."""
    del version
    read_rows.cache_clear()
    rows = read_rows(path)
    errors, families = list(rows.errors), list[list[Problem]]()
    for line in ordered(rows.rows, seed):
        try:
            families.append(family(line, variants, seed))
        except ValueError as error:
            errors.append(f"{line.place}: {error}; correct the row")
    if not errors and len(families) < 2 and share < 1:
        errors.append(f"has {len(families)} template; give two or more, for both splits")
    kept = 0 if share == 1 else 1  # templates that training has at least
    held = min(max(1, round(share * len(families))), max(0, len(families) - kept))
    splits: dict[Split, tuple[Problem, ...]] = {
        "train": tuple(one for each in families[: len(families) - held] for one in each),
        "test": tuple(one for each in families[len(families) - held :] for one in each),
    }
    shown = errors if len(errors) <= 5 else [*errors[:5], f"and {len(errors) - 5} more"]
    return Made(splits, tuple(f"variants.path = {path!r}: {error}" for error in shown))


def family(line: Line, variants: int, seed: int) -> list[Problem]:
    """The variants of a template, no two alike. ValueError for a row that is no template."""
    for name, kind in (("template", str), ("variables", Mapping), ("answer", str)):
        if not isinstance(line.row.get(name), kind):
            what = {"variables": "a table"}.get(name, "a text")
            raise ValueError(f"{name} = {line.row.get(name)!r} is not {what}"[:200])
    random, found = Random(f"{seed} {line.key}"), dict[str, Problem]()
    for _ in range(TRIES):
        values = draw(line.row["variables"], random)
        prompt = filled(line.row["template"], values)
        answer = str(compute(line.row["answer"], values))
        data = {"family": line.key, "variant": len(found), "values": {name: str(each) for name, each in values.items()}}
        found.setdefault(prompt, Problem(f"{line.key}-{len(found)}", prompt, answer, data))
        if len(found) == variants:
            break
    return list(found.values())


def draw(variables: Mapping[str, Any], random: Random) -> dict[str, Number]:
    """A value for every variable, in their order."""
    values: dict[str, Number] = {}
    for name, how in variables.items():
        if isinstance(how, str):
            values[name] = compute(how, values)
        elif isinstance(how, list) and how:
            values[name] = compute(str(random.choice(how)), values)
        elif isinstance(how, Mapping) and {"low", "high"} <= set(how) <= {"low", "high", "step"}:
            choices = range(int(how["low"]), int(how["high"]) + 1, int(how.get("step", 1)))
            if not choices:
                raise ValueError(f"variable {name!r} = {dict(how)}: no number from low to high")
            values[name] = random.choice(choices)
        else:
            raise ValueError(f"variable {name!r} = {how!r} is no list, no expression and no {{low, high, step}}"[:200])
    return values


def filled(template: str, values: Mapping[str, Number]) -> str:
    """A template with values for its names; braces of other things (LaTeX) stay. ValueError if none is named.

    >>> filled("{a} of \\\\frac{1}{b}", {"a": 3})
    '3 of \\\\frac{1}{b}'
    """
    text = template
    for name, value in values.items():
        text = text.replace("{" + name + "}", str(value))
    if text == template:
        raise ValueError("the template names none of its variables")
    return text
