"""try, branch, eval, signals and fork, called as the command line calls them."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from tests.runs.real_run import Here, shared_run
from workbench.commands.branch import branch
from workbench.commands.eval_ import eval_
from workbench.commands.fork import fork
from workbench.commands.shared.options import numbers
from workbench.commands.signals import signals
from workbench.commands.try_ import try_
from workbench.runs.checkpoints.fork import parsed
from workbench.runs.directory.paths import RunDirectory
from workbench.runs.open import Run, open_run
from workbench.runs.process.start import Local


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run of three steps."""
    return shared_run(tmp_path_factory)


@pytest.fixture
def copy(run: Run, tmp_path: Path) -> Run:
    """The same, to be changed."""
    shutil.copytree(run.path, tmp_path / "copy")
    return open_run(tmp_path / "copy")


def call(command: Any, *words: object) -> str:
    """Runs a command; what it printed. Raises what it raised."""
    app = typer.Typer()
    app.command()(command)
    result = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return str(result.stdout)


def document(command: Any, *words: object) -> Any:
    """The JSON document it ends with."""
    return json.loads(call(command, *words, "--json").splitlines()[-1])


def test_try_asks_a_problem_and_says_why_an_answer_is_right(run: Run) -> None:
    told = call(try_, run.path, "--problem", "1", "-n", "3", "--step", "0")
    assert "parent as of step 0" in told
    assert "(problem word_problems-2-test-1, answer " in told
    assert told.count("── completion") == 3
    assert "reward " in told
    assert "exact " in told
    found = document(try_, run.path, "--problem", "word_problems-2-train-2")
    assert found["step"] == 3
    assert found["problem"] == "word_problems-2-train-2"
    assert len(found["answers"]) == 4
    assert {answer["correct"] for answer in found["answers"]} <= {0.0, 1.0}
    assert "exact" in found["answers"][0]["parts"]


def test_try_asks_a_text_without_scoring_it(run: Run) -> None:
    found = document(try_, run.path, "What is 2 + 3?", "-n", 1)
    assert found["prompt"] == "What is 2 + 3?"
    assert found["answers"][0]["reward"] is None
    assert found["answers"][0]["text"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["hello", "--problem", "1"], "give one of the two"),
        (["--problem", "nothing"], "has no problem of that key"),
        (["--step", "9"], "no checkpoint of step 9; there are: 0-3"),
    ],
)
def test_what_try_cannot_ask_is_told(run: Run, words: list[str], told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.runs.checkpoints.problems.ENDLESS", 20)
    with pytest.raises(ValueError, match=told):
        call(try_, run.path, *words)
    with pytest.raises(ValueError, match="no run is called 'nowhere'"):
        call(try_, "nowhere")


def test_branch_says_whose_policy_goes_on(run: Run) -> None:
    assert "continued by checkpoint 1 (the policy that wrote it)" in call(branch, run.path, "2:3:1", 30, "-n", 2)
    found = document(branch, run.path, "2:3:1", 30, "--checkpoint", 3)
    assert (found["checkpoint"], found["exact"], len(found["answers"])) == (3, False, 4)
    with pytest.raises(ValueError, match="write STEP:ROLLOUT:AT"):
        call(branch, run.path, "2:3", 30)


def test_eval_compares_with_the_base(copy: Run) -> None:
    told = call(eval_, copy.path, "--problems", 4, "-k", "1,2", "--step", 1, "--step", 2)
    for text in ("base", "step 1", "step 2", "pass@1", "pass@2", "over base", "majority of 2", "truncated"):
        assert text in told, text
    found = document(eval_, copy.path, "--problems", 4, "-k", "1", "--no-base")
    assert [result["step"] for result in found["results"]] == [3]
    assert found["results"][0]["gains"] == {}
    with pytest.raises(ValueError, match="'1;2': write whole numbers"):
        call(eval_, copy.path, "-k", "1;2")


def test_signals_lists_and_adds(copy: Run) -> None:
    assert "old_logprob       step 1-3" in call(signals, copy.path)
    assert "ref_logprob: added to step 1, 3" in call(signals, copy.path, "--add", "ref_logprob", "--steps", "1,3")
    found = document(signals, copy.path, "--add", "ref_logprob", "--add", "kl")
    assert found["added"] == {"ref_logprob": [2], "kl": [1, 2, 3]}
    assert found["signals"]["ref_logprob"] == [1, 2, 3]
    assert "kl: on record already" in call(signals, copy.path, "--add", "kl")


def test_fork_starts_a_run_with_changes(copy: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[RunDirectory] = []
    monkeypatch.setattr(Local, "start", lambda self, directory, attempt: started.append(directory))
    words = ["--step", 2, "--set", "training.learning_rate=1e-4", "--set", "method.method=gspo", "--name", "other"]
    told = call(fork, copy.path, *words)
    assert "from copy after step 2; method.method: grpo -> gspo; training.learning_rate: 0.0003 -> 0.0001" in told
    assert [directory.name for directory in started] == ["other"]
    assert open_run(started[0].path).config.method.key == "gspo"
    found = document(fork, copy.path, "--step", 1)
    assert (Path(found["run"]).name, found["step"]) == ("copy-from-1", 1)
    Here().start(started[0], 1)
    assert open_run(started[0].path).status.state == "finished"


def test_changes_are_read_as_toml_and_words_as_texts() -> None:
    found = parsed(["training.betas=[0.8, 0.9]", "method.method=gspo", "method.surrogate.low=0.1", "seed=3"])
    assert found == {
        "training": {"betas": [0.8, 0.9]},
        "method": {"method": "gspo", "surrogate": {"low": 0.1}},
        "seed": 3,
    }
    for wrong in ("training.steps", ".steps=3", "=3"):
        with pytest.raises(ValueError, match="write FIELD=VALUE"):
            parsed([wrong])
    assert numbers("3, 5-7") == [3, 5, 6, 7]
    for wrong in ("", "a", "1-", "1--2"):
        with pytest.raises(ValueError, match="write whole numbers and ranges"):
            numbers(wrong)
