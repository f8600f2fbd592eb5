"""The reference of kinds and pieces: every field with type, default, bounds and help, read from the classes."""

import ast
import inspect
import io
import textwrap
import tokenize
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from workbench import registry
from workbench.piece import Piece, schema


def kinds() -> list[type[Piece]]:
    """Every kind that has a piece, in the order of `kinds.py`."""
    registry.load()
    return [kind for kind in Piece.__subclasses__() if kind.__module__ == "workbench.kinds" and own_pieces(kind)]


def own_pieces(kind: type[Piece]) -> list[type[Piece]]:
    """A kind's pieces that the project itself defines, by name."""
    pieces = [piece for _, piece in sorted(kind.registry.items())]
    return [piece for piece in pieces if piece.__module__.startswith("workbench.")]


def pieces_page(found: list[type[Piece]], note: str) -> str:
    """The whole reference."""
    lines = ["# Pieces", "", note, ""]
    lines += [
        "A *kind* is a slot of a method or of a run; a *piece* fills it. The fields are the hyper-parameters: the",
        "names below are those of the config file, of the form in the notebook, and of the Python class.",
    ]
    for kind in found:
        lines += ["", f"## {kind.__name__}", "", summary(kind)]
        for piece in own_pieces(kind):
            lines += ["", *piece_section(kind, piece)]
    return "\n".join(lines) + "\n"


def piece_section(kind: type[Piece], piece: type[Piece]) -> list[str]:
    """One piece: its whole docstring, where it is defined, and a table of its fields."""
    name = registered_name(kind, piece)
    source = piece.__module__.replace(".", "/") + ".py"
    lines = [f'<a id="{kind.kind}-{name}"></a>', "", f"### `{name}`", "", f"In [`{source}`](../{source})."]
    lines += ["", "```text", inspect.getdoc(piece) or "", "```"]
    fields = schema(piece).model_fields
    if not fields:
        return [*lines, "", "No fields."]
    notes = comments(piece)
    lines += ["", "| field | type | default | bounds | what it is |", "|---|---|---|---|---|"]
    return lines + [field_row(field, info, notes.get(field, "")) for field, info in fields.items()]


def field_row(name: str, info: FieldInfo, note: str) -> str:
    """A field as a row; the help is the field's description, else the comment beside it in the source."""
    default = "needed" if info.is_required() else f"`{plain(info.default)}`"
    bounds = ", ".join(bound(item) for item in info.metadata if bound(item))
    texts = [text for text in (info.description, note) if text]
    columns = (f"`{name}`", f"`{type_name(info.annotation)}`", default, bounds, "; ".join(texts))
    return "| " + " | ".join(" ".join(column.split()).replace("|", "\\|") for column in columns) + " |"


def registered_name(kind: type[Piece], piece: type[Piece]) -> str:
    """The name under which a kind knows a piece."""
    return next(name for name, known in kind.registry.items() if known is piece)


def summary(kind: type[Piece]) -> str:
    """First paragraph of a docstring as one line."""
    return " ".join((inspect.getdoc(kind) or "").split("\n\n")[0].split())


def bound(item: Any) -> str:
    """A pydantic bound in signs.

    >>> from annotated_types import Ge, Lt
    >>> bound(Ge(0)), bound(Lt(1))
    ('≥ 0', '< 1')
    """
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    return ", ".join(
        f"{sign} {getattr(item, name)}" for name, sign in signs.items() if getattr(item, name, None) is not None
    )


def type_name(annotation: Any) -> str:
    """A type as one would write it; a choice as its values.

    >>> type_name(float), type_name(tuple[int, ...]), type_name(float | None)
    ('float', 'tuple[int, ...]', 'float | None')
    >>> type_name(bool | Literal["auto"])
    'bool | "auto"'
    """
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return " | ".join(plain(value) for value in inner)
    if origin in (Union, UnionType):
        return " | ".join(type_name(part) for part in inner)
    if origin is Annotated:
        return type_name(inner[0])
    if origin is not None:
        return f"{origin.__name__}[{', '.join(type_name(part) for part in inner)}]"
    return {None: "None", NoneType: "None", ...: "..."}.get(annotation) or getattr(
        annotation, "__name__", str(annotation)
    )


def plain(value: Any) -> str:
    """A value as it stands in a config: pieces by name, texts in quotes.

    >>> plain(0.2), plain(True), plain("all-linear"), plain(())
    ('0.2', 'true', '"all-linear"', '[]')
    """
    if isinstance(value, Piece):
        fields = ", ".join(f"{name} = {plain(item)}" for name, item in value.fields().items())
        return f"{value.name}({fields})"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, tuple | list):
        return "[" + ", ".join(plain(item) for item in value) + "]"
    return "none" if value is None else str(value)


def comments(piece: type[Piece]) -> dict[str, str]:
    """The comment on each field's own line, by field."""
    source = textwrap.dedent(inspect.getsource(piece))
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    by_line = {token.start[0]: token.string.lstrip("# ") for token in tokens if token.type == tokenize.COMMENT}
    body = ast.parse(source).body[0]
    assert isinstance(body, ast.ClassDef)
    found = {}
    for statement in body.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            comment = by_line.get(statement.end_lineno or 0, "")
            if comment and not comment.startswith(("noqa", "type:")):
                found[statement.target.id] = comment
    return found
