"""`workbench pieces`: every piece by kind, with the schema of its fields."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from workbench import registry
from workbench.cli import app
from workbench.commands.shared.pieces import find_kinds, listed
from workbench.piece import Piece


def listing(*words: str) -> list[dict[str, Any]]:
    """What the command prints as JSON."""
    answer = CliRunner().invoke(app, ["pieces", *words, "--json"])
    assert answer.exit_code == 0, answer.output
    found: list[dict[str, Any]] = json.loads(answer.output.splitlines()[-1])["pieces"]
    return found


def test_every_piece_of_every_kind_is_listed_once():
    registry.load()
    expected = {(kind.kind, name) for kind in Piece.__subclasses__() for name in kind.registry}
    found = [(entry["kind"], entry["name"]) for entry in listing()]
    assert set(found) == expected
    assert len(found) == len(expected)


def test_a_piece_says_what_it_is_and_what_its_fields_may_be():
    (clip,) = [entry for entry in listing("surrogate") if entry["name"] == "clip"]
    assert clip["summary"]
    assert clip["fields"]["low"]["type"] == "number"
    assert clip["fields"]["low"]["minimum"] >= 0


def test_a_field_that_holds_a_piece_names_its_kind():
    fields = [field for kind in find_kinds() for entry in listed(kind) for field in entry["fields"].values()]
    nested = {part["piece"] for field in fields for part in (field, *field.get("anyOf", ())) if "piece" in part}
    assert "schedule" in nested
    assert nested <= {kind.kind for kind in find_kinds()}


def test_an_unknown_kind_is_told_with_the_known_ones():
    with pytest.raises(ValueError, match=r"called 'rewards' \(did you mean 'reward'\?\); there are: advantage"):
        find_kinds("rewards")
