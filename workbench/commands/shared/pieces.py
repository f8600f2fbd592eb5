"""Every piece as plain data, with the JSON schema of its fields."""

import inspect
import re
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from workbench import registry
from workbench.errors import among
from workbench.piece import Piece, schema

ARXIV = re.compile(r"arXiv:(\d{4}\.\d{4,5})")


class FieldSchemas(GenerateJsonSchema):
    """JSON schemas in which a field that holds another piece names its kind."""

    def function_plain_schema(self, schema: Any) -> JsonSchemaValue:
        """A piece's own validator is the only one that has no schema."""
        kind = getattr(schema["function"]["function"], "__self__", None)
        if isinstance(kind, type) and issubclass(kind, Piece):
            return {"type": "object", "piece": kind.kind}
        return super().function_plain_schema(schema)


def find_kinds(name: str = "") -> list[type[Piece]]:
    """The kinds that have a piece, or the one of that name; ValueError that lists them for an unknown one."""
    registry.load()
    found = {kind.kind: kind for kind in Piece.__subclasses__() if kind.registry}
    if name and name not in found:
        raise ValueError(f"no kind of piece is called {name!r}{among(name, sorted(found))}")
    return [found[name]] if name else [found[kind] for kind in sorted(found)]


def listed(kind: type[Piece]) -> list[dict[str, Any]]:
    """The pieces of a kind by name: its first paragraph, its papers, its module, its fields."""
    return [described(kind, name, piece) for name, piece in sorted(kind.registry.items())]


def described(kind: type[Piece], name: str, piece: type[Piece]) -> dict[str, Any]:
    """One piece. `fields` holds for each the JSON schema of what it may be."""
    text = inspect.getdoc(piece) or ""
    fields = schema(piece).model_json_schema(schema_generator=FieldSchemas)
    return {
        "kind": kind.kind,
        "name": name,
        "summary": " ".join(text.split("\n\n")[0].split()),
        "papers": list(dict.fromkeys(ARXIV.findall(text))),
        "module": piece.__module__,
        "fields": fields.get("properties", {}),
        "required": fields.get("required", []),
    }
