"""Launching: everything is checked before anything starts, and what is started outlives who started it."""

import itertools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.runs.checks import checked_alone  # noqa: F401
from tests.runs.fake import FAKE
from workbench.config import RunConfig
from workbench.runs.directory.paths import read_json
from workbench.runs.experiment import Experiment
from workbench.runs.launch import launch
from workbench.runs.open import Run, open_run

pytestmark = pytest.mark.usefixtures("checked_alone")
ROOT = Path(__file__).resolve().parents[2]
LONG = 60.0
CONFIG = """# my notes
name = "small"
[task]
task = "sums"
[[rewards]]
reward = "exact"
[method]
method = "grpo"
[training]
steps = 5
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A config file."""
    path = tmp_path / "config.toml"
    path.write_text(CONFIG)
    return path


def test_a_launched_run_has_all_that_is_needed_to_understand_it(config: Path, tmp_path: Path) -> None:
    run = launch(config, runs=tmp_path / "runs", launcher=FAKE)
    assert isinstance(run, Run)
    assert run.wait(timeout=LONG).state == "finished"
    assert run.directory.config.read_text() == CONFIG  # as asked, comments and all
    assert run.config == RunConfig.load(config)
    assert run.resolved["training"]["learning_rate"] > 0
    environment = read_json(run.directory.environment)
    assert environment["packages"]["torch"].startswith("2.")
    assert environment["devices"][0]["device"] == "cpu"
    assert environment["seed"] == 0
    again = launch(RunConfig.load(config), runs=tmp_path / "runs", launcher=FAKE)
    assert again.name == "small-2"
    assert again.config == run.config
    again.wait(timeout=LONG)


def test_all_mistakes_are_told_at_once_and_nothing_is_started(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    wrong = CONFIG.replace("steps = 5", "steps = 0\nstep = 5").replace('"sums"', '"sum"')
    path.write_text(wrong + "[rollouts]\nrollouts = 1\nmax_tokens = 0\n[modell]\n")
    with pytest.raises(ValueError) as error:
        launch(path, runs=tmp_path / "runs", launcher=FAKE)
    for mistake in ("training.steps", "training.step:", "'sum'", "max_tokens", "modell"):
        assert mistake in str(error.value)
    assert not (tmp_path / "runs").exists()


def test_mistakes_across_fields_are_found_as_well(config: Path, tmp_path: Path) -> None:
    config.write_text(CONFIG + "[rollouts]\nrollouts = 1\n")
    with pytest.raises(ValueError, match=r"rollouts.rollouts = 1"):
        launch(config, runs=tmp_path / "runs", launcher=FAKE)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ('lora = { targets = ["nosuch"] }', r"model.lora.targets = \('nosuch',\)"),
        ('device = "cuda"', r"model.device = 'cuda', and torch finds no GPU here"),
    ],
)
@pytest.mark.parametrize("seeds", [None, 2])
def test_what_the_forecast_refuses_leaves_nothing(
    config: Path, tmp_path: Path, model: str, told: str, seeds: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    config.write_text(f"{CONFIG}[model]\n{model}\n")
    with pytest.raises(ValueError, match=told):
        launch(config, runs=tmp_path / "runs", seeds=seeds, launcher=FAKE)
    assert not (tmp_path / "runs").exists()


def test_tables_are_launched_as_they_are(tmp_path: Path) -> None:
    tables = {"name": "small", "task": "sums", "rewards": ["exact"], "method": "grpo", "training": {"steps": 5}}
    run = launch(tables, runs=tmp_path / "runs", launcher=FAKE)
    assert run.wait(timeout=LONG).state == "finished"
    assert run.config == RunConfig(**tables)
    with pytest.raises(ValueError, match=r"training.stepz: no such field"):
        launch({**tables, "training": {"stepz": 5}}, runs=tmp_path / "runs", launcher=FAKE)


STARTER = """
import sys, time
from pathlib import Path
from tests.runs.checks import checked_alone  # noqa: F401
from tests.runs.fake import FAKE
from workbench.runs.directory.paths import new_directory, write_json
from workbench.runs.process.start import start
from workbench.runs.directory.status import Heartbeat
directory = new_directory(sys.argv[1], "run")
write_json(directory.path / "plan.json", {"steps": 20, "seconds": 0.05})
Heartbeat(directory, 0, 20, state="queued").beat()
start(directory, FAKE)
print(directory.path, flush=True)
time.sleep(100)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_run_outlives_the_process_that_started_it(tmp_path: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-c", STARTER, str(tmp_path)]
    starter = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT, start_new_session=True, text=True
    )
    assert starter.stdout is not None
    path = starter.stdout.readline().strip()
    os.killpg(starter.pid, number)  # the whole group, as a terminal or a kernel restart does
    starter.communicate()
    run = open_run(path)
    assert run.wait(timeout=LONG).state == "finished"
    assert list(run.metrics()["step"]) == list(range(21))
    assert set(run.metrics()["attempt"]) == {1}


def test_seeds_make_an_experiment_that_runs_one_after_the_other(config: Path, tmp_path: Path) -> None:
    experiment = launch(config, runs=tmp_path / "runs", seeds=3, launcher=FAKE)
    assert isinstance(experiment, Experiment)
    assert [run.config.seed for run in experiment.runs] == [0, 1, 2]
    assert experiment.wait(timeout=LONG) == {"finished": 3}
    assert experiment.path == tmp_path / "runs" / "small"
    assert [run.title for run in experiment.runs] == ["small/seed-0", "small/seed-1", "small/seed-2"]
    with pytest.raises(ValueError, match=r"is an experiment of several runs: open one of them .seed-0, seed-1"):
        open_run(experiment.path)
    table = experiment.metrics()
    assert table.groupby("run")["step"].max().to_dict() == {"seed-0": 5, "seed-1": 5, "seed-2": 5}
    times = [(run.lines()[0]["time"], run.lines()[-1]["time"]) for run in experiment.runs]
    assert all(end <= begin for (_, end), (begin, _) in itertools.pairwise(times))


def test_an_experiment_can_be_stopped_and_taken_up_again(config: Path, tmp_path: Path) -> None:
    experiment = launch(config, runs=tmp_path / "runs", seeds=[7, 3], launcher=FAKE)
    experiment.stop()
    end = time.monotonic() + LONG
    while Experiment(experiment.path).busy and time.monotonic() < end:
        time.sleep(0.02)
    assert experiment.counts() != {"finished": 2}
    experiment.resume()
    assert experiment.wait(timeout=LONG) == {"finished": 2}


@pytest.mark.parametrize(("seeds", "jobs"), [(0, 1), ([1, 1], 1), (2, 0)])
def test_senseless_experiments_are_refused(config: Path, tmp_path: Path, seeds: int | list[int], jobs: int) -> None:
    with pytest.raises(ValueError, match=r"give one seed or more, each once"):
        launch(config, runs=tmp_path / "runs", seeds=seeds, jobs=jobs, launcher=FAKE)


def test_a_folder_without_experiment_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"is no experiment"):
        Experiment(tmp_path)


def test_a_run_starts_where_relative_paths_meant_something(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = launch(config, runs="runs", launcher=FAKE)
    assert run.wait(timeout=LONG).state == "finished"
    assert read_json(run.directory.environment)["folder"] == str(tmp_path)
