"""The index of published systems is true: what it names exists, and no method is missing from it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from workbench import registry
from workbench.cli import app
from workbench.papers import System, systems
from workbench.piece import Piece

ROOT = Path(__file__).resolve().parents[2]
#: Losses that users of other trainers have runs of, baselines of these, and what belongs to no system of the index.
OTHERS = {"clip_cov", "dppo_kl", "dppo_tv", "gdpo", "gmpo", "gpg", "grpo_icepop", "grpo_mis", "grpo_tis", "kl_cov",
          "maxrl", "opo", "opsm", "pass_at_k", "sapo", "vespo"}  # fmt: skip


def exists(key: str) -> bool:
    """Whether a registry has what a key names."""
    kind, _, name = key.partition(":")
    if kind == "method":
        return name in registry.methods()
    return any(name in known.registry for known in Piece.__subclasses__() if known.kind == kind)


@pytest.mark.parametrize("system", systems(), ids=lambda system: system.title)
def test_an_entry_names_what_exists(system: System) -> None:
    registry.load()
    assert system.status in ("whole", "part", "none")
    assert [key for key in system.keys if not exists(key)] == []
    assert [path for path in system.tests if not (ROOT / path).is_file()] == []
    assert bool(system.tests) == (system.status != "none"), "what is here has a test that checks it"
    assert bool(system.here and system.missing) == (system.status == "part"), "a part says what is here and what is not"
    assert system.status != "whole" or system.keys, "a whole system is carried by something"


def test_titles_are_different_and_every_method_belongs_to_a_system() -> None:
    titles = [system.title for system in systems()]
    assert len(titles) == len(set(titles))
    named = {key.removeprefix("method:") for system in systems() for key in system.keys if key.startswith("method:")}
    assert set(registry.methods()) - named == OTHERS


def test_the_command_lists_them_and_counts() -> None:
    answer = CliRunner().invoke(app, ["papers", "--json", "--status", "whole"])
    found = json.loads(answer.output.splitlines()[-1])["papers"]
    assert {entry["status"] for entry in found} == {"whole"}
    assert "VIMPO" in [entry["title"] for entry in found]
    answer = CliRunner().invoke(app, ["papers"])
    assert f"{len(systems())} systems: " in answer.output
    wrong = CliRunner().invoke(app, ["papers", "--status", "half"])
    assert isinstance(wrong.exception, ValueError)
    assert "give one of whole, part, none" in str(wrong.exception)
