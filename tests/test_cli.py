"""The command line: the same verbs, clean messages, JSON as the last line, and a quick start."""

import functools
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.runs.checks import checked_alone  # noqa: F401
from tests.runs.fake import FAKE
from workbench import cli
from workbench.commands.shared import control
from workbench.runs import demo as demo_module
from workbench.runs import launch as launch_module
from workbench.runs.directory.paths import RunDirectory, write_json
from workbench.runs.directory.status import Heartbeat
from workbench.runs.open import Run
from workbench.runs.process.start import start

LONG = 60.0


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Calls `workbench` with words; answers exit code, output, errors."""

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["workbench", *map(str, words)])
        try:
            cli.main()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture
def started(tmp_path: Path) -> Callable[..., Run]:
    """Starts a run without a model in `tmp_path/runs`."""

    def begin(name: str = "small", **plan: Any) -> Run:
        directory = RunDirectory(tmp_path / "runs" / name).create()
        write_json(directory.path / "plan.json", plan)
        Heartbeat(directory, 0, plan.get("steps", 5), state="queued").beat()
        start(directory, FAKE)
        return Run(directory, FAKE)

    return begin


def last_json(text: str) -> Any:
    """The document in the last line."""
    return json.loads(text.rstrip("\n").split("\n")[-1])


Call = Callable[..., tuple[int, str, str]]


def test_runs_are_listed_shown_and_followed(call: Call, started: Callable[..., Run], tmp_path: Path) -> None:
    started().wait(timeout=LONG)
    here = ("--runs", tmp_path / "runs")
    assert "small" in call("ls", *here)[1]
    document = last_json(call("ls", "--json", *here)[1])
    assert [(run["name"], run["verdict"], run["step"], run["accuracy"]) for run in document["runs"]] == [
        ("small", "finished", 5, 0.75)
    ]
    shown = last_json(call("show", "small", "--json", *here)[1])
    assert shown["status"]["verdict"] == "finished"
    assert shown["rollouts"] == [1, 2, 3, 4, 5]
    assert "finished" in call("show", "small", *here)[1]
    code, out, _ = call("follow", tmp_path / "runs" / "small")
    assert code == 0
    assert [line.split()[1] for line in out.splitlines() if line.startswith("step")] == ["0", "1", "2", "3", "4", "5"]


def test_orders(call: Call, started: Callable[..., Run], tmp_path: Path) -> None:
    run = started(steps=2000, seconds=0.01)
    next(iter(run.follow(timeout=LONG)))
    words = (run.path, "--wait", 30)
    assert "rate: 0.5 -> 0.25" in call("set", run.path, "rate=0.25", "--wait", 30)[1]
    assert call("set", run.path, "learning_rate=1", "--wait", 30)[0] == 2
    assert "small: already running" in call("resume", *words)[1]
    assert "pauses after step" in call("pause", *words)[1]
    assert run.status.state == "paused"
    assert "small: already paused" in call("pause", *words)[1]
    assert "kept step-" in call("checkpoint", *words)[1]
    assert "continues after" in call("resume", *words)[1]
    assert "stops after" in call("stop", *words)[1]
    assert run.wait(timeout=LONG).state == "stopped"
    kinds = [event["kind"] for event in run.event_lines()]
    assert [kind for kind in kinds if kind in ("pause", "resume")] == ["pause", "resume"]  # nothing was done in vain
    code, _, error = call("pause", run.path)
    assert code == 2
    assert "is stopped: no trainer is there to pause; resume it first" in error


def test_a_run_is_gone_on_with_and_followed(
    call: Call, started: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = started(steps=6, fail=4)
    assert run.wait(timeout=LONG).state == "failed"
    write_json(run.path / "plan.json", {"steps": 6})
    monkeypatch.setattr(control, "found", lambda name, runs: run)  # with the trainer that has no model
    code, out, _ = call("resume", run.path, "--follow")
    assert code == 0
    assert [line.split()[1] for line in out.splitlines() if line.startswith("step")] == list("0123456")
    assert out.splitlines()[-1].startswith("finished")


def test_runs_of_a_folder_and_of_a_later_version_are_listed(
    call: Call, started: Callable[..., Run], tmp_path: Path
) -> None:
    run = started()
    run.wait(timeout=LONG)
    assert call("ls", tmp_path / "runs")[1] == call("ls", "--runs", tmp_path / "runs")[1]
    code, _, error = call("ls", tmp_path / "runs", "--runs", tmp_path)
    assert (code, "give one folder" in error) == (2, True)
    write_json(run.directory.format, {"format": 99, "kind": "run"})
    listed = call("ls", tmp_path / "runs")[1]
    assert "newer version" in listed
    assert "upgrade rlvr-workbench" in listed
    code, _, error = call("show", run.path)
    assert (code, "has format 99" in error) == (2, True)


def test_a_run_that_learns_nothing_says_so(call: Call, tmp_path: Path) -> None:
    directory = RunDirectory(tmp_path / "runs" / "dull").create()
    lines = [{"attempt": 1, "step": step, "zero_variance_groups": 1.0, "grad_norm": 0.0} for step in range(1, 9)]
    directory.metrics.write_text("".join(json.dumps(line) + "\n" for line in lines))
    told = "all groups have zero reward variance since step 1: no update"
    assert f"dull: {told}" in call("ls", tmp_path / "runs")[1]
    assert f"warning: {told}" in call("show", directory.path)[1]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("report", "nix"), "no run is called 'nix'"),
        (("report", "nix", "--methods", "few"), "--methods few: give all"),
        (("export", "nix"), "no run is called 'nix'"),
        (("show", "nix"), "no run is called 'nix'"),
        (("run", "nix.toml"), "nix.toml"),
        (("set", "nix", "learning_rate"), "write FIELD=NUMBER"),
        (("set", "nix", "learning_rate=fast"), "write FIELD=NUMBER"),
    ],
)
def test_mistakes_give_one_clean_message(call: Call, words: tuple[str, ...], message: str) -> None:
    code, out, error = call(*words)
    assert code == 2
    assert message in error
    assert error.startswith("workbench: ")  # no box, no traceback
    assert "Traceback" not in out + error


def test_a_wrong_config_is_told_whole(call: Call, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('seed = -1\n[task]\ntask = "nix"\n[[rewards]]\nreward = "exact"\n')
    code, _, error = call("run", tmp_path / "config.toml", "--runs", tmp_path / "runs")
    assert code == 2
    assert "seed" in error
    assert "nix" in error
    assert "method" in error
    assert not (tmp_path / "runs").exists()


def test_an_unknown_command_is_a_usage_error(call: Call) -> None:
    assert call("explode")[0] == 2
    assert call("--help")[0] == 0


def test_methods_are_listed(call: Call) -> None:
    document = last_json(call("methods", "--json")[1])
    entry = next(entry for entry in document["methods"] if entry["key"] == "grpo")
    assert set(entry) == {"key", "title", "paper", "equation", "changes", "pieces"}
    assert entry["pieces"]["surrogate"]["piece"] == "clip"
    code, out, _ = call("methods", "--check", "--json")
    assert (code, last_json(out)["faults"]) == (0, [])


def test_a_broken_file_of_the_user_is_a_fault(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    from workbench import registry

    monkeypatch.setitem(registry.BROKEN, "/home/me/mine.py", "SyntaxError: invalid syntax")
    code, out, _ = call("methods", "--check")
    assert code == 1
    assert "/home/me/mine.py: SyntaxError" in out


@pytest.mark.usefixtures("checked_alone")
def test_the_demo_ends_with_a_document(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = demo_module.demo_config()
    assert (config.evaluation.problems, config.evaluation.temperature) == (512, 1.0)
    monkeypatch.setattr(launch_module, "launch", functools.partial(launch_module.launch, launcher=FAKE))
    code, out, _ = call("demo", "--out", tmp_path / "runs", "--steps", 5, "--no-report", "--json")
    assert code == 0
    result = last_json(out)
    assert result["run"] == str(tmp_path / "runs" / "demo")
    assert (result["steps"], result["verdict"]) == (5, "finished")
    assert (result["accuracy_before"], result["accuracy_after"]) == (0.25, 0.75)
    assert result["seconds"] > 0


@pytest.mark.usefixtures("checked_alone")
def test_the_demo_trains_a_real_model_if_asked(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []

    def config(real: bool = False) -> Any:
        asked.append(real)
        return plain().replace(name="demo-real" if real else "demo")

    plain = demo_module.demo_config
    monkeypatch.setattr(demo_module, "demo_config", config)
    monkeypatch.setattr(launch_module, "launch", functools.partial(launch_module.launch, launcher=FAKE))
    code, out, _ = call("demo", "--real", "--out", tmp_path / "runs", "--steps", 5, "--no-report", "--json")
    assert (code, asked) == (0, [True])
    assert last_json(out)["run"] == str(tmp_path / "runs" / "demo-real")


def test_light_commands_import_nothing_heavy(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom workbench import cli\nsys.argv = ['workbench', 'ls', '--runs', sys.argv[1]]\n"
        "try:\n    cli.main()\nexcept SystemExit: print('end')\n"
        "print([name for name in ('torch', 'transformers', 'pandas', 'pyarrow') if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True)
    assert answer.stdout.splitlines()[-1] == "[]"
