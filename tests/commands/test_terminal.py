"""No control, escape sequence or direction mark of a model's text reaches a terminal or the source of a page."""

import ast
import io
import json
import re
import sys
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.table import Table
from typer.testing import CliRunner

from scripts.sources import ROOT, files, place, tree
from tests.widgets.fake_run import Shape, make_run
from widgets.report.report import write_report
from workbench.cli import app
from workbench.commands.shared.terminal import Terminal, print_traceback
from workbench.runs.open import open_run
from workbench.visible import escaped, json_text, visible

#: Every character of Unicode that a terminal or a browser obeys: by category, whatever `visible` knows of them.
CONTROLS = {chr(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) in ("Cc", "Cs")}
BIDIRECTIONAL = {chr(code) for code in range(sys.maxunicode + 1) if unicodedata.bidirectional(chr(code)) in (
    "LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")}  # fmt: skip
MARKS = {"\u200e", "\u200f", "\u061c"}
OBEYED = (CONTROLS | BIDIRECTIONAL | MARKS) - {"\n", "\t"}
ATTACKS = (
    "\x1b]8;;http://evil.example\x1b\\click\x1b]8;;\x1b\\",  # OSC 8: a link
    "\x1b[2J\x1b[H\x1b[31m",  # CSI: clears the screen
    "\x9b2J\x9d0;title\x9c",  # the same in C1
    "\x1bP+q\x1b\\\x07\x08\x08\x08\r",  # DCS, bell, backspaces, return
    "abc\u202edcba\u2066x\u2069\u200f",  # direction marks
    "\U000e0041\U000e007f\ufeff\u2028\u2029\ud83d",
    "[bold]no mark-up[/bold] [link=http://evil.example]x[/link]",
)
TEXT = st.text(st.characters(), max_size=40)  # surrogates too


def obeyed(text: str) -> set[str]:
    """The signs of a text that are obeyed."""
    return OBEYED & set(text)


def test_every_character_of_unicode_alone() -> None:
    for code in range(sys.maxunicode + 1):
        shown = visible(chr(code))
        assert not obeyed(shown)
        assert (chr(code) in OBEYED) <= (shown != chr(code))


@given(TEXT)
def test_what_is_shown_is_safe_whole_and_stays_as_it_is(text: str) -> None:
    shown = visible(text)
    assert not obeyed(shown)
    assert visible(shown) == shown
    assert len(shown) >= len(text)
    shown.encode()


@given(TEXT)
def test_html_and_json_are_safe_and_json_is_the_same_text(text: str) -> None:
    assert not obeyed(escaped(text))
    assert not set("<>\"'") & set(escaped(text))
    told = json_text({"text": text})
    assert not obeyed(told)
    assert json.loads(told)["text"].encode("utf-16", "surrogatepass") == text.encode("utf-16", "surrogatepass")


@given(TEXT)
@example(ATTACKS[0])
@example(ATTACKS[1])
@example(ATTACKS[2])
@example(ATTACKS[3])
@example(ATTACKS[4])
@example(ATTACKS[5])
@example(ATTACKS[6])
def test_nothing_printed_is_obeyed(text: str) -> None:
    for terminal in (False, True):
        target = io.StringIO()
        console = Terminal(file=target, force_terminal=terminal, color_system=None, width=80)
        console.print(text, markup=False)
        table = Table("a", box=None)
        table.add_row(visible(text).replace("[", r"\["))
        console.print(table)
        assert not obeyed(target.getvalue())
        assert "no mark-up" not in text or "[bold]no mark-up[/bold]" in target.getvalue()


def test_own_colours_are_sent() -> None:
    target = io.StringIO()
    Terminal(file=target, force_terminal=True, color_system="standard").print("[red]x[/]\x1b[31m")
    assert target.getvalue() == "\x1b[31mx\x1b[0m␛[31m\n"


def test_commands_print_through_the_terminal_alone() -> None:
    commands = [*files("workbench/commands"), ROOT / "workbench" / "cli.py"]
    commands += [path for path in files("widgets") if path.name == "command.py"]
    found = []
    for path in commands:
        if path.name == "terminal.py":
            continue
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                if called in ("typer.echo", "typer.secho", "click.echo", "sys.stdout.write", "Console"):
                    found.append(f"{place(path)}:{node.lineno}: {called}")
                if called == "print" and "json_text" not in ast.unparse(node):
                    found.append(f"{place(path)}:{node.lineno}: print")
    assert not found


def test_pages_escape_with_the_one_function() -> None:
    for path in files("widgets"):
        if path.suffix == ".py":
            assert "html.escape" not in path.read_text(encoding="utf-8"), (
                f"{place(path)}: use workbench.visible.escaped"
            )


def hostile_run(folder: Path) -> Any:
    """A run whose events, warnings and settings hold all of the attacks."""
    run = open_run(make_run(folder / "fake", Shape(steps=3, problems=2, rollouts=2)))
    attack = " ".join(ATTACKS[:-1]).replace("\ud83d", "")
    with run.directory.events.open("a", encoding="utf-8") as file:
        event = {"attempt": 1, "time": 1.0, "step": 1, "kind": "note", "text": attack}
        file.write(json.dumps(event) + "\n")
    config = run.path / "config.toml"
    config.write_text((config.read_text() if config.is_file() else "") + f"# {attack}\n", "utf-8")
    return run


@pytest.mark.parametrize("command", ["show", "follow", "show --json"])
def test_commands_show_hostile_text_safely(tmp_path: Path, command: str) -> None:
    run = hostile_run(tmp_path)
    name, *options = command.split()
    told = CliRunner().invoke(app, [name, str(run.path), *options])
    assert told.exit_code == 0, told.exception
    assert not obeyed(told.stdout)
    if command == "show":
        assert "␛]8;;http://evil.example" in told.stdout
    if options:
        assert any("\x1b]8;;" in event["text"] for event in json.loads(told.stdout)["events"])


def test_a_reports_source_holds_nothing_that_is_obeyed(tmp_path: Path) -> None:
    page = write_report(hostile_run(tmp_path), tmp_path / "report.html").read_text(encoding="utf-8")
    assert not obeyed(page)
    assert "␛[2J" in page


def test_an_error_that_nobody_catches_is_shown_safely(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise KeyError(ATTACKS[4] + ATTACKS[1])
    except KeyError as error:
        print_traceback(type(error), error, error.__traceback__)
    told = capsys.readouterr().err
    assert re.search("KeyError", told)
    assert not obeyed(told)
