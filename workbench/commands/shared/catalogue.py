"""The methods there are, as plain data, and what is wrong with any of them."""

import json
from typing import Any

from workbench import registry
from workbench.checks import method_warnings
from workbench.method import Method
from workbench.piece import Piece
from workbench.types import axes


def catalogue() -> list[dict[str, Any]]:
    """Every method: key, title, paper, equation, changes, and its pieces by slot."""
    return [described(method) for _, method in sorted(registry.methods().items())]


def described(method: Method) -> dict[str, Any]:
    """One method as plain data."""
    texts = {name: getattr(method, name) for name in ("key", "title", "paper", "equation", "changes")}
    return {**texts, "pieces": {slot: piece.to_dict() for slot, piece in method.pieces()}}


def faults() -> list[str]:
    """What is wrong with methods and with the user's own files; empty if all is well."""
    methods = registry.methods()
    found = [f"{path}: {text}" for path, text in registry.BROKEN.items()]
    texts: dict[tuple[str, ...], str] = {}
    for key, method in sorted(methods.items()):
        found += [f"{key}: {text}" for text in own_faults(method)]
        same = texts.setdefault((method.title, method.equation, method.changes), key)
        if same != key:
            found.append(f"{key}: carries the same texts as {same}; say how it differs")
    return found


def cautions() -> list[str]:
    """Where the pieces of a method work against each other; nothing is wrong with the code."""
    methods = sorted(registry.methods().items())
    return [f"{key}: {text}" for key, method in methods for text in method_warnings(method)]


def own_faults(method: Method) -> list[str]:
    """What is wrong with one method by itself."""
    found = [f"{name} is empty" for name in ("title", "paper", "equation", "changes") if not getattr(method, name)]
    for slot, piece in method.pieces():
        found += [f"{slot}: {text}" for text in piece_faults(piece)]
    table = json.loads(json.dumps(method.to_dict()))
    table.pop("method")
    if method.override(table) != method:
        found.append("is another method when it is read back from its config; every field must stand in to_dict()")
    return found


def piece_faults(piece: Piece) -> list[str]:
    """Signals that a piece needs and nobody can give."""
    found = []
    for name in sorted(piece.needs):
        try:
            axes(name)
        except ValueError as error:
            found.append(str(error))
    return found
