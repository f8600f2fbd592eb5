"""Every method as it is published, and once more for every other value of a field of its loss.

A contract that holds for the defaults alone misses what only another value brings into play: a discount of 1 hides how
a discount below 1 treats tokens that are not trained.
"""

import dataclasses
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

import pytest

from workbench.kinds import LossPiece, Piece
from workbench.method import Method
from workbench.piece import schema
from workbench.pieces.correction import Truncated
from workbench.registry import methods


def all_methods() -> list[Any]:
    """Parameters for pytest: (method), with the key, or the key and the changed field, as its name."""
    found = [pytest.param(method, id=key) for key, method in sorted(methods().items())]
    seen: set[tuple[Any, ...]] = set()
    for key, method in sorted(methods().items()):
        corrected = dataclasses.replace(method, correction=None if method.surrogate.setwise else Truncated())
        for slot, piece in corrected.pieces():
            if isinstance(piece, LossPiece):
                for name, value in changes(piece):
                    case = (slot.split(".")[0], type(piece), name, value)
                    changed = replaced(corrected, slot, piece, **{name: value})
                    if case not in seen and changed is not None:
                        seen.add(case)
                        found.append(pytest.param(changed, id=f"{key}-{slot}.{name}={value}"))
    return found


def changes(piece: Piece) -> Iterator[tuple[str, Any]]:
    """Other values of every field: each choice, both truths, a smaller number, 0.1 in place of 0."""
    for name, field in schema(type(piece)).model_fields.items():
        value = getattr(piece, name)
        choices = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
        if isinstance(value, bool):
            yield name, not value
        elif choices:
            yield from ((name, choice) for choice in choices if choice != value)
        elif isinstance(value, float):
            yield name, round(0.7 * value, 9) or 0.1
        elif value is None:
            yield from ((name, other) for other in (2.0, 2))


def replaced(method: Method, slot: str, piece: Any, **fields: Any) -> Method | None:
    """The method with other fields in one piece; None where they are not allowed."""
    try:
        changed = dataclasses.replace(piece, **fields)
        name, *rest = slot.split(".")
        if not rest:
            return dataclasses.replace(method, **{name: changed})
        pieces = list(getattr(method, name))
        number = int(rest[0])
        pieces[number] = changed if len(rest) == 1 else dataclasses.replace(pieces[number], reduction=changed)
        return dataclasses.replace(method, **{name: tuple(pieces)})
    except (TypeError, ValueError):  # the shape checks raise a TypeError before the piece can say why
        return None
