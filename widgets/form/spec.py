"""A field of a config or of a piece, as a form needs it: type, bounds, default, help, level."""

import dataclasses
import types
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from workbench.piece import Piece, plain_value

WIDEST = 1_000  # bounds further from 0 are limits, not a range to choose from
UNIONS = (Union, types.UnionType)


@dataclass(frozen=True)
class Spec:
    """A field as the form needs it: name, type without None, bounds, default, help, level."""

    name: str
    label: str  # for people
    type: Any  # without None
    bounds: tuple[float | None, float | None]  # None: open
    strict: tuple[bool, bool]  # whether the bound itself is left out
    default: Any  # as plain data
    required: bool
    optional: bool
    help: str
    advanced: bool

    @classmethod
    def of(cls, name: str, info: FieldInfo, advanced: bool = False) -> "Spec":
        """From a pydantic field; its `json_schema_extra` may name level, unit, and that it is live."""
        kind, found = bare(info.annotation)
        bounds = [*info.metadata, *found]
        extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
        unit = f" [{extra['unit']}]" if "unit" in extra else ""
        return cls(
            name=name,
            label=name.replace("_", " "),
            type=without_none(kind),
            bounds=(near(limit(bounds, "ge", "gt")), near(limit(bounds, "le", "lt"))),
            strict=(limit(bounds, "gt") is not None, limit(bounds, "lt") is not None),
            default=None if info.is_required() else plain(info.get_default(call_default_factory=True)),
            required=info.is_required(),
            optional=without_none(kind) != kind,
            help=("*live* " if extra.get("live") else "") + (info.description or "") + unit,
            advanced=advanced or extra.get("level") == "advanced",
        )


def plain(value: Any) -> Any:
    """A default as it stands in a config: a table without what is missing in it."""
    if isinstance(value, BaseModel):
        return value.model_dump(exclude_none=True)
    if dataclasses.is_dataclass(value) and not isinstance(value, Piece):
        return {name: each for name, each in dataclasses.asdict(value).items() if each is not None}  # type: ignore[arg-type]
    return str(value) if isinstance(value, Path) else plain_value(value)


def bare(annotation: Any) -> tuple[Any, list[Any]]:
    """A type without `Annotated`, and the bounds that stood in it; inside an optional one as well."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        kind, found = bare(inner[0])
        return kind, [*[item for part in inner[1:] for item in getattr(part, "metadata", [part])], *found]
    if origin in UNIONS:
        parts = [bare(part) for part in inner]
        return Union[tuple(part for part, _ in parts)], [item for _, found in parts for item in found]  # noqa: UP007
    return annotation, []


def without_none(kind: Any) -> Any:
    """The type an optional one has when it is there.

    >>> without_none(float | None), without_none(int)
    (<class 'float'>, <class 'int'>)
    """
    if get_origin(kind) not in UNIONS:
        return kind
    return Union[tuple(part for part in get_args(kind) if part is not types.NoneType)]  # noqa: UP007


def limit(bounds: list[Any], *names: str) -> float | None:
    """A bound by any of its names."""
    found = (getattr(item, name, None) for item in bounds for name in names)
    return next((value for value in found if value is not None), None)


def near(bound: float | None) -> float | None:
    """A bound that a form offers as the end of a range; one far away only limits, and is open here."""
    return None if bound is None or abs(bound) > WIDEST else bound


def choices(kind: Any) -> list[Any]:
    """The values that a type names, one by one; none for a type that holds others as well.

    >>> from typing import Literal
    >>> choices(bool | Literal["auto"]), choices(int)
    ([True, False, 'auto'], [])
    """
    if get_origin(kind) is Literal:
        return list(get_args(kind))
    if kind is bool:
        return [True, False]
    parts = [choices(part) for part in get_args(kind)] if get_origin(kind) in UNIONS else []
    return [value for part in parts for value in part] if all(parts) else []
