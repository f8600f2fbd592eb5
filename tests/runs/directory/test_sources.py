"""What was written in a cell goes with the run that uses it: stored, hashed, loaded by its trainer and nobody else."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cells.cells import CLASSES, HALF, forgetting  # noqa: F401
from tests.runs.checks import checked_alone  # noqa: F401
from tests.runs.fake import FAKE
from tests.runs.process.test_kill import trainer_of
from workbench import registry
from workbench.cells import Source, load
from workbench.config import RunConfig
from workbench.runs.directory.paths import RunDirectory, read_json
from workbench.runs.directory.sources import config_of, load_source
from workbench.runs.launch import launch
from workbench.runs.open import Run, open_run

pytestmark = pytest.mark.usefixtures("forgetting")
LONG = 120.0
ROOT = Path(__file__).resolve().parents[3]


def small(**changes: object) -> RunConfig:
    """A run of two quick steps; the method is a cell's."""
    tables = {
        "name": "small",
        "task": {"task": "sums"},
        "rewards": ["exact"],
        "method": {"method": "half", "advantage": {"wrong": 0.25}},
        "rollouts": {"problems": 2, "rollouts": 8, "max_tokens": 24},
        "training": {"steps": 2, "threads": 1},
        "evaluation": {"every": 2, "problems": 4},
    }
    return RunConfig(**{**tables, **changes})


def forget() -> None:
    """As if this were another process: what cells defined is not known."""
    for key, home in list(registry.HOMES.items()):
        if home.startswith("workbench_cell"):
            del registry.HOMES[key], registry.METHODS[key]
    for kind in (type(piece).__mro__[1] for _, piece in registry.METHODS["grpo"].pieces()):
        for name, piece in list(kind.registry.items()):
            if piece.__module__.startswith("workbench_cell"):
                del kind.registry[name]


def kill_trainer(run: Run) -> None:
    """Kills a run's trainer, as soon as it works."""
    process = trainer_of(run)
    os.kill(process.pid, signal.SIGKILL)
    while process.alive():
        time.sleep(0.01)


def test_a_run_of_a_cells_method_is_killed_resumed_and_keeps_the_version_it_was_launched_with(tmp_path: Path) -> None:
    load(Source("half", HALF))
    run = launch(small(), runs=tmp_path / "runs")
    kill_trainer(run)
    load(Source("half", HALF.replace("wrong * value, value", "value * 0, value * 0")))  # the newest in this process
    assert run.status.state == "dead"
    run.resume()
    assert run.wait(timeout=LONG).state == "finished", run.directory.log(2).read_text()
    assert (run.directory.source / "half.py").read_text() == HALF
    assert read_json(run.directory.environment)["sources"] == {"half": Source("half", HALF).sha256}
    rollouts = run.rollouts()
    assert set(rollouts["step"]) == {1, 2}
    for _, group in rollouts.groupby(["step", "group"]):
        mean = group["reward"].mean()
        for reward, advantage in zip(group["reward"], group["advantage"], strict=True):
            expected = reward - mean if reward > mean else 0.25 * (reward - mean)
            assert advantage[0] == pytest.approx(expected, abs=1e-6)
    assert rollouts["reward"].nunique() > 1, "no group had anything to say"


@pytest.fixture
def prepared(tmp_path: Path, checked_alone: None) -> RunDirectory:  # noqa: F811
    """A run whose method, reward and task come from two cells, launched with the fake trainer."""
    load(Source("half", HALF))
    load(Source("plain", CLASSES))
    run = launch(small(task="doubles", rewards=["short"]), runs=tmp_path / "runs", launcher=FAKE)
    run.wait(timeout=LONG)
    return run.directory


def test_every_cell_that_a_config_needs_is_stored(prepared: RunDirectory) -> None:
    assert sorted(path.name for path in prepared.source.iterdir()) == ["half.py", "plain.py"]
    assert config_of(prepared).method.advantage.fields() == {"wrong": 0.25}


def test_the_stored_source_imports_by_itself(prepared: RunDirectory) -> None:
    code = "import half, plain; print(half.advantage.key, plain.Short.kind)"
    environment = {"PYTHONPATH": f"{ROOT}:{prepared.source}", "OMP_NUM_THREADS": "1"}
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert answer.stdout == "half reward\n"


@pytest.mark.usefixtures("checked_alone")
def test_opening_a_run_imports_nothing_and_says_what_to_load(tmp_path: Path) -> None:
    marker = tmp_path / "imported"
    load(Source("half", f"open({str(marker)!r}, 'w').close()\n{HALF}"))
    path = launch(small(), runs=tmp_path / "runs", launcher=FAKE).path
    marker.unlink()
    forget()
    run = open_run(path)
    assert run.wait(timeout=LONG).state == "finished"
    assert run.resolved["method"]["advantage"]["piece"] == "half"
    with pytest.raises(ValueError, match=r"needs .*source/half\.py.*workbench\.load_source\('") as caught:
        config_of(run.directory)
    assert "\n" not in str(caught.value)
    assert not marker.exists()
    assert load_source(run) == ["half"]
    assert marker.exists()
    assert config_of(run.directory).method.advantage.fields() == {"wrong": 0.25}


def test_another_version_in_this_process_is_not_taken_for_the_runs(prepared: RunDirectory) -> None:
    load(Source("half", HALF + "\n# changed"))
    with pytest.raises(ValueError, match=r"half\.py, which is not loaded here, or in another version"):
        config_of(prepared)
    load_source(prepared.path)
    assert config_of(prepared).method.key == "half"


def test_a_source_that_was_changed_or_lost_is_refused(prepared: RunDirectory) -> None:
    path = prepared.source / "half.py"
    path.write_text(HALF + "\n# changed")
    with pytest.raises(ValueError, match=r"half\.py was changed after the launch"):
        load_source(prepared.path)
    path.unlink()
    with pytest.raises(ValueError, match=r"half\.py is missing"):
        load_source(prepared.path)


@pytest.mark.usefixtures("checked_alone")
def test_a_config_older_than_its_cell_is_refused_and_nothing_is_started(tmp_path: Path) -> None:
    load(Source("half", HALF))
    config = small()
    load(Source("half", HALF + "\n# changed"))
    with pytest.raises(ValueError, match=r"advantage 'half' was defined again .*config\.replace\(method='half'\)"):
        launch(config, runs=tmp_path / "runs", launcher=FAKE)
    assert not (tmp_path / "runs").exists()
    renewed = config.replace(method="half")
    assert launch(renewed, runs=tmp_path / "runs", launcher=FAKE).wait(timeout=LONG).state == "finished"


@pytest.mark.usefixtures("checked_alone")
def test_what_has_no_source_cannot_be_launched(tmp_path: Path) -> None:
    load(Source("half", HALF))
    registry.enter("loose", registry.METHODS["half"], "__main__")
    with pytest.raises(ValueError, match=r"method 'loose' was defined in a cell whose source cannot be had.*%%method"):
        launch(small(method="loose"), runs=tmp_path / "runs", launcher=FAKE)
    assert not (tmp_path / "runs").exists()


@pytest.mark.usefixtures("checked_alone")
def test_a_run_without_cells_has_no_sources(tmp_path: Path) -> None:
    run = launch(small(method="grpo"), runs=tmp_path / "runs", launcher=FAKE)
    run.wait(timeout=LONG)
    assert not run.directory.source.exists()
    assert read_json(run.directory.environment)["sources"] == {}
    assert load_source(run) == []


@pytest.mark.usefixtures("checked_alone")
def test_every_run_of_an_experiment_has_the_sources(tmp_path: Path) -> None:
    load(Source("half", HALF))
    experiment = launch(small(), runs=tmp_path / "runs", seeds=2, launcher=FAKE)
    assert [(run.directory.source / "half.py").read_text() for run in experiment.runs] == [HALF, HALF]
    assert experiment.wait(timeout=LONG) == {"finished": 2}
