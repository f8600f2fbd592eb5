"""The reference of a run's config: every table and field, read from `RunConfig`."""

import dataclasses
import inspect
from collections.abc import Mapping
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from scripts.piece_tables import field_row
from workbench.config import RunConfig
from workbench.sections import ExamPart, Part, RewardPart

HEADER = ["| field | type | default | bounds | what it is |", "|---|---|---|---|---|"]
#: Tables whose fields are those of a piece, and where the pieces are listed.
OPEN = {
    "task": 'A task by name, with its fields: `task = "word_problems"`. See [pieces](pieces.md).',
    "rewards": "One table each: a reward by name, its `weight`, a `name` where two are alike, and its own fields.",
    "cast": "One table each: a `name` by which rewards ask it, a `member`, and its fields. See [pieces](pieces.md).",
    "method": "A method by its key; any slot may be overridden. See [methods](methods.md) and [pieces](pieces.md).",
    "exams": "One table each: an exam by name, its own fields ([pieces](pieces.md)), and the fields below.",
    "alarms": "One table each: an alarm by name, its `action`, and its own fields. See [pieces](pieces.md).",
    "pruning": "A pruner by name, with its fields; left out: no rollout is pruned.",
}

PARTS: dict[str, type[Part]] = {"rewards": RewardPart, "exams": ExamPart}


def config_page(note: str) -> str:
    """The whole reference."""
    lines = ["# Config", "", note, ""]
    lines += [
        "The same object is the TOML file, the form in the notebook, and the keyword arguments in Python. A field that",
        "is marked *live* may change during a run: `workbench set RUN learning_rate=1e-4`.",
    ]
    fields = RunConfig.model_fields
    plain = {name: info for name, info in fields.items() if name not in OPEN and not columns_of(info)}
    lines += ["", "## At the top", "", *table(plain)]
    for name, info in fields.items():
        if name in OPEN:
            lines += [
                "",
                f"## `[{f'[{name}]' if name in ('rewards', 'cast', 'exams', 'alarms') else name}]`",
                "",
                OPEN[name],
            ]
            lines += ["", *table(own_fields(PARTS[name]))] if name in PARTS else []
        elif columns_of(info):
            lines += ["", f"## `[{name}]`", "", *section(info)]
            for inner, part in columns_of(info).items():
                if columns_of(part):
                    lines += ["", f"### `[{name}.{inner}]`", "", *section(part)]
    return "\n".join(lines) + "\n"


def own_fields(part: type[Part]) -> dict[str, FieldInfo]:
    """What a part says of its piece."""
    return {name: info for name, info in part.model_fields.items() if name != part.KIND.kind}


def section(info: FieldInfo) -> list[str]:
    """One table: what it is about, then its fields."""
    summary = (inspect.getdoc(own_class(info)) or "").split("\n\n")[0]
    return [" ".join(summary.split()), "", *table(columns_of(info))]


def table(fields: Mapping[str, FieldInfo]) -> list[str]:
    """Fields as rows."""
    return HEADER + [field_row(name, info, "*live*" if is_live(info) else "") for name, info in fields.items()]


def is_live(info: FieldInfo) -> bool:
    """Whether a running trainer takes a new value."""
    return isinstance(info.json_schema_extra, dict) and bool(info.json_schema_extra.get("live"))


def own_class(info: FieldInfo) -> Any:
    """The class of a field's value; of an optional one, the class it has when it is there."""
    parts = [part for part in get_args(info.annotation) if part is not type(None)]
    return parts[0] if len(parts) == 1 else info.annotation


def columns_of(info: FieldInfo) -> dict[str, FieldInfo]:
    """The fields of a field that is itself a table; empty for a plain value."""
    kind = own_class(info)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return dict(kind.model_fields)
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return {field.name: as_info(field) for field in dataclasses.fields(kind)}
    return {}


def as_info(field: "dataclasses.Field[Any]") -> FieldInfo:
    """A dataclass field as pydantic has it, its type included."""
    info = field.default if isinstance(field.default, FieldInfo) else FieldInfo(default=field.default)
    found = FieldInfo.merge_field_infos(info, annotation=field.type)
    if found.default is dataclasses.MISSING:
        found.default = PydanticUndefined
    return found
