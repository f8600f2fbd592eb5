"""`try` and `eval` look for a run's name where they are told to, like the other commands."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from tests.runs.real_run import shared_run
from workbench.commands.eval_ import eval_
from workbench.commands.try_ import try_


@pytest.fixture
def runs(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Path:
    """A folder with one run, `mine`."""
    shutil.copytree(shared_run(tmp_path_factory).path, tmp_path / "elsewhere" / "mine")
    return tmp_path / "elsewhere"


def document(command: Any, *words: object) -> Any:
    """The JSON document that a command ends with."""
    app = typer.Typer()
    app.command()(command)
    result = CliRunner().invoke(app, [*map(str, words), "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    ("command", "more"), [(try_, ["-n", 1]), (eval_, ["--problems", 2, "-k", "1", "--no-base"])], ids=["try", "eval"]
)
def test_a_run_is_found_by_its_name_in_the_folder_given(runs: Path, command: Any, more: list[object]) -> None:
    assert document(command, "mine", "--runs", runs, *more)["run"] == str(runs / "mine")
    with pytest.raises(ValueError, match=r"no run is called 'mine'; in .*nowhere"):
        document(command, "mine", "--runs", runs.parent / "nowhere", *more)
