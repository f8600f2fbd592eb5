"""The style as tests: how long things may be, what every public name owes its reader. Imports: test_architecture.

A rule that has to be broken is broken here, in `EXCEPTIONS`, with the reason. A rule and a place name an exception;
one that is no longer needed fails as well.
"""

import ast
import dataclasses
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scripts.sources import ROOT, files, functions, imports, length, place, tree
from scripts.words import private_words
from workbench import registry
from workbench.method import TEXTS
from workbench.piece import Piece

#: (rule, place) -> why. The place is as the failure prints it: path, or path::function.
EXCEPTIONS: dict[tuple[str, str], str] = {
    ("folder", "benchmarks"): "a registry: one file a benchmark, run by its name",
    ("folder", "benchmarks/results"): "one file a benchmark",
    ("folder", "tests/browser"): "one file a view, all on one laboratory",
    ("folder", "tests/methods"): "mirrors the registry of methods",
    ("folder", "tests/rewards"): "mirrors the registry of rewards",
    ("folder", "workbench/commands"): "a registry: one file a command",
    ("folder", "workbench/methods"): "a registry: one file a paper",
    ("folder", "workbench/tasks"): "a registry: one file a task",
    ("folder", "workbench/pieces"): "a registry: one file a kind, and what pieces of several kinds share",
    ("folder", "workbench/rewards"): "a registry: one file a reward",
    ("lines", "workbench/kinds.py"): "every slot there is, to be read in one go",
    ("arguments", "workbench/runs/checkpoints/snapshot.py::branch"): "a token's place in a run is four numbers",
    ("arguments", "workbench/commands/branch.py::branch"): "every option of a command is an argument",
    ("arguments", "widgets/comparison/command.py::compare"): "every option of a command is an argument",
    ("arguments", "workbench/commands/eval_.py::eval_"): "every option of a command is an argument",
    ("arguments", "workbench/commands/plan.py::plan"): "every option of a command is an argument",
    ("arguments", "workbench/commands/reward.py::reward"): "every option of a command is an argument",
    ("arguments", "workbench/commands/sweep.py::sweep"): "every option of a command is an argument",
    ("arguments", "workbench/commands/try_.py::try_"): "every option of a command is an argument",
    ("lines", "tests/training/test_trainer.py"): "one trainer, looked at from all sides, on one small run",
    ("words", "scripts/words.py"): "the list of these words",
    ("arguments", "workbench/models/packed.py::attention"): "the signature is transformers' attention interface",
}

LINES, FUNCTION, WANTED, ARGUMENTS, FILES = 300, 40, 30, 6, 16

#: Folders and files whose texts have the field's terms only: a list that grows until it is the whole project.
PLAIN = (
    *("benchmarks", "notebooks", "scripts"),
    *(f"docs/{name}.md" for name in ("config", "installing", "methods", "planning", "vllm")),
    *(f"workbench/{name}" for name in ("analysis", "cells", "engines", "methods", "models", "pieces", "planning")),
    *(f"workbench/{name}" for name in ("pruning", "rewards", "signals", "training", "types")),
    *(f"workbench/{name}.py" for name in ("checks", "config", "errors", "kinds", "method", "ops", "piece")),
    *(f"workbench/{name}.py" for name in ("random_numbers", "registry", "sections")),
)

#: Where methods are documented once for all who fill them in.
CONTRACTS = ("types/protocols.py", "piece.py", "kinds.py", "problems/np_hard/family.py")

Violations = Iterator[tuple[str, str]]  # place, what is wrong there


LIBRARY = files("workbench")
PYTHON = files("workbench", "widgets", "scripts", "benchmarks", "tests")
EVERYTHING = [*PYTHON, *files("widgets", suffixes=(".js", ".css"))]


# --------------------------------------------------------------------------------------------- the rules


def long_files() -> Violations:
    """No file is longer than one can keep in mind."""
    for path in EVERYTHING:
        count = len(path.read_text(encoding="utf-8").splitlines())
        if count > LINES:
            yield place(path), f"{count} lines, at most {LINES}"


def long_functions() -> Violations:
    """No function is longer than a screen."""
    for path in PYTHON:
        for name, function, _ in functions(path):
            if length(function) > FUNCTION:
                yield f"{place(path)}::{name}", f"{length(function)} lines, at most {FUNCTION}, {WANTED} wanted"


def many_arguments() -> Violations:
    """No function takes more than one can remember."""
    for path in PYTHON:
        for name, function, method in functions(path):
            given = function.args
            names = [item.arg for item in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
            if method and names and names[0] in ("self", "cls"):
                names = names[1:]
            if len(names) > ARGUMENTS:
                yield f"{place(path)}::{name}", f"{len(names)} arguments, at most {ARGUMENTS}"


def postponed_annotations() -> Violations:
    """Shapes are types that are checked while tests run; as strings they would not be."""
    for path in PYTHON:
        if any(name == "__future__.annotations" for name in imports(path)):
            yield place(path), "imports annotations from __future__"


def full_folders() -> Violations:
    """A folder holds no more files than one can survey; a registry folder may, since its files are alike."""
    for top in ("workbench", "widgets", "tests", "benchmarks", "scripts"):
        folders = {path.parent for path in files(top, suffixes=None)}
        for folder in sorted(folders):
            count = sum(path.parent == folder for path in files(top, suffixes=None))
            if count > FILES:
                yield place(folder), f"{count} files, at most {FILES}"


def swallowed_errors() -> Violations:
    """An error is told or handled, never dropped."""
    for path in PYTHON:
        for node in ast.walk(tree(path)):
            if not isinstance(node, ast.ExceptHandler):
                continue
            empty = all(
                isinstance(line, ast.Pass)
                or (isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant) and line.value.value is ...)
                for line in node.body
            )
            if node.type is None or empty:
                yield (
                    place(path),
                    f"line {node.lineno}: {'bare except' if node.type is None else 'except with an empty body'}",
                )


def inherited_names() -> set[str]:
    """Methods that the contracts document once for all who fill them in."""
    contracts = [ROOT / "workbench" / name for name in CONTRACTS]
    return {
        name.split(".")[-1]
        for path in contracts
        for name, function, method in functions(path)
        if method and ast.get_docstring(function)
    }


def missing_docstrings() -> Violations:
    """Every public name of the library says what it is; a filled-in method may lean on its kind's docstring."""
    inherited = inherited_names()
    for path in LIBRARY:
        if not ast.get_docstring(tree(path)) and path.read_text(encoding="utf-8").strip():
            yield place(path), "the module has no docstring"
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_") and not ast.get_docstring(node):
                yield f"{place(path)}::{node.name}", "no docstring"
        for name, function, method in functions(path):
            local = not method and "." in name
            leans = method and function.name in inherited
            if not (function.name.startswith("_") or local or leans or ast.get_docstring(function)):
                yield f"{place(path)}::{name}", "no docstring"


def unchecked_protocols() -> Violations:
    """A protocol in an annotation is checked while tests run, for which it must be checkable."""
    for path in LIBRARY:
        for node in ast.walk(tree(path)):
            if not isinstance(node, ast.ClassDef):
                continue
            bases, marks = ([ast.unparse(item) for item in items] for items in (node.bases, node.decorator_list))
            if "Protocol" in bases and "runtime_checkable" not in marks:
                yield f"{place(path)}::{node.name}", "no @runtime_checkable"


def left_undone() -> Violations:
    """What is to be done stands in an issue, not in the code."""
    marks = tuple(a + b for a, b in (("TO", "DO"), ("FIX", "ME"), ("XX", "X")))
    for path in EVERYTHING:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if any(mark in line for mark in marks):
                yield place(path), f"line {number}: {line.strip()}"


def evasive_code() -> Violations:
    """A piece says what it takes and what it is: nobody asks an object what it happens to have."""
    for path in LIBRARY:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "hasattr":
                yield place(path), f"line {node.lineno}: hasattr"


def private_texts() -> Violations:
    """Texts have the field's terms, not words of our own: the terms are in `scripts.words`."""
    for name in PLAIN:
        top = ROOT / name
        endings = (".py", ".md", ".ipynb", ".js", ".cu")
        for path in [top] if top.is_file() else files(name, suffixes=endings):
            for line, word, term in private_words(path):
                yield place(path), f"line {line}: {word!r}: write {term}"


RULES: dict[str, Callable[[], Violations]] = {
    "lines": long_files,
    "function": long_functions,
    "arguments": many_arguments,
    "folder": full_folders,
    "annotations": postponed_annotations,
    "errors": swallowed_errors,
    "docstring": missing_docstrings,
    "protocols": unchecked_protocols,
    "undone": left_undone,
    "evasive": evasive_code,
    "words": private_texts,
}


@pytest.mark.parametrize("rule", RULES)
def test_rule(rule: str) -> None:
    found = list(RULES[rule]())
    broken = [f"{where}: {what}" for where, what in found if (rule, where) not in EXCEPTIONS]
    unused = [where for name, where in EXCEPTIONS if name == rule and where not in {place for place, _ in found}]
    assert not broken, f"{RULES[rule].__doc__}\n" + "\n".join(broken)
    assert not unused, f"exceptions that nothing needs any more: {unused}"


def test_the_word_rule_sees_strings_comments_prose_and_scripts(tmp_path: Path) -> None:
    for name, content in {
        "a.py": 'x = 1  # likelier\nlikelier = f"{x} siblings"\n',
        "b.md": "One is\nunlikelier.",
        "c.js": "const likelier = 1; // anew\nconst text = `it goes on`;",
        "d.ipynb": '{"cells": [{"source": ["a sieve"]}]}',
    }.items():
        (tmp_path / name).write_text(content)
    found = {path.name: [word for _, word, _ in private_words(path)] for path in sorted(tmp_path.iterdir())}
    assert found == {
        "a.py": ["siblings", "likelier"],
        "b.md": ["unlikelier"],
        "c.js": ["anew", "goes on"],
        "d.ipynb": ["sieve"],
    }


def test_most_functions_are_as_short_as_wanted() -> None:
    lengths = [length(function) for path in LIBRARY for _, function, _ in functions(path)]
    long = sum(lines > WANTED for lines in lengths)
    assert long <= 0.05 * len(lengths), f"{long} of {len(lengths)} functions have more than {WANTED} lines"


def test_importing_the_package_loads_nothing_heavy() -> None:
    heavy = ("torch", "transformers", "numpy", "pandas", "pydantic", "IPython")
    script = f"import sys, workbench; print([name for name in {heavy!r} if name in sys.modules], dir(workbench))"
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert answer.stdout.startswith("[] "), f"import workbench loads {answer.stdout}"


def test_pieces_are_frozen_dataclasses_and_final() -> None:
    registry.load()
    pieces = [piece for kind in Piece.__subclasses__() for piece in kind.registry.values()]
    assert pieces
    for piece in pieces:
        assert dataclasses.is_dataclass(piece), f"{piece} is no dataclass"
        assert piece.__dataclass_params__.frozen, f"{piece} is not frozen"  # type: ignore[attr-defined]
        assert not piece.__subclasses__(), f"{piece} is derived from: a piece is final"


def test_every_method_has_its_four_texts() -> None:
    entries = registry.methods()
    assert "grpo" in entries
    for key, method in entries.items():
        for text in TEXTS:
            assert getattr(method, text).strip(), f"{key} says nothing under {text}"


def test_every_method_file_exports_methods() -> None:
    for path in files("workbench/methods"):
        if path.name != "__init__.py":
            assigned = [target for node in tree(path).body if isinstance(node, ast.Assign) for target in node.targets]
            targets = [target.id for target in assigned if isinstance(target, ast.Name)]
            assert "METHODS" in targets, f"{place(path)} exports no METHODS: the registry passes it over"
