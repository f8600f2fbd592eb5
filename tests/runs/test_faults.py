"""Faults in every file of a run: flipped, cut, of the wrong types, missing; each is told, or changes nothing.

The cells are made of the files that a run has, each of which must be named in `paths.ENTRIES` and in
docs/run_directory.md: a new file is in the matrix by itself. A cell holds where a resumed run gives the same weights,
steps and rollouts bit for bit, or where one sentence names the file; never a traceback, never another result unsaid.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy
import pytest

from tests.runs.faulty import cut, files_of, flip, results, told, train
from workbench.runs.directory.paths import ENTRIES, RunDirectory
from workbench.runs.directory.settings import check_config
from workbench.runs.open import Run, open_run
from workbench.runs.summary import find_runs, row

ROOT = Path(__file__).resolve().parents[2]
#: Files whose content is no result: what they say is shown, or written anew by the next attempt.
SHOWN = ("status.json", "pid.json", "lock", "logs/", "plan.json", "control/")


def check(directory: RunDirectory, name: str, expected: dict[str, Any]) -> None:
    """The cell: resume, and compare."""
    before = [item for one in find_runs(directory.path.parent) for item in row(one)["warnings"]]
    notes = "" if not directory.format.exists() else told(Run(directory))
    refused, code = "", 0
    try:
        open_run(directory.path)
        code = train(directory)
    except ValueError as error:
        refused = str(error)
    if refused:
        assert Path(name).name in refused
        return
    found = results(directory) if code == 0 else {}
    text = " ".join([notes, *map(str, before), told(Run(directory)), str(found.get("told"))])
    assert "Traceback" not in text
    if code == 0 and all(found[part] == expected[part] for part in ("weights", "lines", "rollouts")):
        return
    if name.startswith(SHOWN):
        assert code == 0, text
        return
    table, _, file = name.partition("/")
    if table in ("rollouts", "evaluations", "probes") and not (directory.path / name).exists():
        assert int(file[5:11]) not in open_run(directory.path).steps(table)  # the step is listed as one without
        return
    folder = next((part for part in ("checkpoints", "rollouts") if name.startswith(part)), "")
    assert Path(name).name in text or (folder and folder in text), (
        f"{name}: another result without a word: {text[:1500]}"
    )


def wrong_types(path: Path, at: float) -> None:
    """Another type in every field of a JSON file, or of the last line; other files get a text."""
    text = path.read_text(errors="replace").rstrip("\n")
    head, _, last = text.rpartition("\n") if path.suffix == ".jsonl" else ("", "", text)
    try:
        value = json.loads(last)
    except ValueError:
        path.write_text("no number")
        return
    bad: Any = [3] if not isinstance(value, dict) else {name: [None, "three", {}][int(2 * at)] for name in value}
    path.write_text(f"{head}\n{json.dumps(bad)}\n" if head else json.dumps(bad))


def gone(path: Path, at: float) -> None:
    """Removes a file."""
    path.unlink()


FAULTS: dict[str, Callable[[Path, float], None]] = {"flip": flip, "cut": cut, "types": wrong_types, "gone": gone}


def cells(directory: RunDirectory) -> Iterator[tuple[str, str]]:
    """Every fault in every file."""
    return ((fault, name) for name in files_of(directory) for fault in FAULTS)


def spoil(stopped: RunDirectory, folder: Path, fault: str, name: str, at: float) -> RunDirectory:
    """A copy of the stopped run with a fault."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(stopped.path, folder / "run")
    FAULTS[fault](folder / "run" / name, at)
    return RunDirectory(folder / "run")


def test_every_file_is_in_the_table_and_in_the_documentation(stopped: RunDirectory) -> None:
    documented = (ROOT / "docs" / "run_directory.md").read_text()
    for name in files_of(stopped):
        if name not in ("plan.json", "format.json"):
            assert any(name == entry or name.startswith(f"{entry}/") for entry in ENTRIES.values()), name
    for entry in ENTRIES.values():
        assert entry.split("/")[0] in documented, f"{entry} is not in docs/run_directory.md"


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_any_file_is_told_or_harmless(
    stopped: RunDirectory, expected: dict[str, Any], tmp_path: Path, fault: str
) -> None:
    for other, name in cells(stopped):
        if other == fault:
            check(spoil(stopped, tmp_path / "cell", fault, name, 0.5), name, expected)


@pytest.mark.parametrize("name", ["resolved.json", "env.json"])
def test_a_document_that_reads_well_but_says_something_else_is_told(
    stopped: RunDirectory, tmp_path: Path, name: str
) -> None:
    written = json.loads((stopped.path / name).read_text())
    for at in numpy.linspace(0, 1, 50):
        spoilt = spoil(stopped, tmp_path / "cell", "flip", name, at)
        refused = ""
        try:
            check_config(spoilt)  # as a resume and a fork begin
        except ValueError as error:
            refused = str(error)
        assert says(spoilt.path / name, written) or name in f"{refused} {told(Run(spoilt))}"


def says(path: Path, written: dict[str, Any]) -> bool:
    """Whether a document still says what was written, its SHA-256 aside."""
    try:
        found = json.loads(path.read_bytes())
    except ValueError:
        return False
    return all(found.get(name) == value for name, value in written.items() if name != "sha256")


@pytest.mark.soak
@pytest.mark.parametrize("at", numpy.linspace(0, 1, 41).tolist())
def test_a_fault_anywhere_in_any_file_is_told_or_harmless(
    stopped: RunDirectory, expected: dict[str, Any], tmp_path: Path, at: float
) -> None:
    for fault, name in cells(stopped):
        check(spoil(stopped, tmp_path / "cell", fault, name, at), name, expected)
