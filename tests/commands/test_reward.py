"""`workbench reward`: one reward by hand, with a model where it asks one."""

import json
from pathlib import Path

from typer.testing import CliRunner

from workbench.cli import app


def answer(*arguments: str) -> str:
    """What the command prints."""
    found = CliRunner().invoke(app, ["reward", *arguments])
    if found.exception is not None:
        return str(found.exception)
    return found.output


def test_a_verifier_shows_what_it_relied_on() -> None:
    shown = answer("exact", "--text", "so answer: 42", "--text", "answer: 41", "--reference", "42")
    assert "text 0: 1.0000, correct" in shown
    assert "text 1: 0.0000, incorrect" in shown
    assert "relied on '42', characters 11 to 13" in shown


def test_a_reward_that_asks_is_given_a_model() -> None:
    question = "A library has 3 shelves with 6 books each. How many books are in the library now?\n"
    texts = ["--text", "First 3 * 6 = 18.\nanswer: 18", "--text", "First 3 * 6 = 20.\nanswer: 20"]
    found = json.loads(answer("rlpr", *texts, "--prompt", question, "--reference", "18", "--json"))
    good, bad = (each["value"] for each in found["scores"])
    assert good > bad + 0.2
    assert {line["of"] for line in found["asked"]} == {"policy", "reference"}
    assert found["faults"] == []


def test_a_file_brings_fields_and_cast(tmp_path: Path) -> None:
    file = tmp_path / "polite.toml"
    judge = '[[cast]]\nname = "judge"\nmember = "scripted"\notherwise = "Yes"\n'
    file.write_text(f'reward = "rlbff"\nprinciple = "it is polite"\n{judge}')
    shown = answer(str(file), "--text", "Thank you.")
    assert "text 0: 30.0000" in shown
    assert "asked judge (choose" in shown


def test_mistakes_are_told() -> None:
    assert "no member of the cast is called so" in answer("rlbff", "--text", "x", "--data", '{"principle": "short"}')
    assert "no reward is called 'nothing'" in answer("nothing", "--text", "x")
    assert "is no JSON object" in answer("exact", "--text", "x", "--data", "[1]")
    assert "is no JSON" in answer("exact", "--text", "x", "--data", "{")
    assert "cannot be read" in answer("nowhere.toml", "--text", "x")
