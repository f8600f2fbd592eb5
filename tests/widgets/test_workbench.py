"""The workbench in one cell: from the form to a run that is read; without a browser."""

import asyncio
import html
import subprocess
import sys

import ipywidgets
import pytest

from tests.widgets.fake_run import Shape, make_run
from widgets.setup import launch as launch_module
from widgets.workbench import TITLES, Workbench
from workbench.config import ConfigError
from workbench.runs.demo import demo_config
from workbench.runs.open import open_run


@pytest.fixture
def small():
    return demo_config().replace(
        name="small", training={"steps": 1}, evaluation={"problems": 4}, rollouts={"problems": 2, "rollouts": 4}
    )


@pytest.fixture
def workbench(small, tmp_path):
    made = Workbench(tmp_path / "runs", small)
    yield made
    made.close()


def test_a_config_goes_in_and_comes_out(workbench, small, tmp_path):
    assert workbench.config == small
    path = tmp_path / "other.toml"
    path.write_text(small.replace(seed=4).to_toml())
    workbench.load(path)
    assert workbench.config.seed == 4
    with pytest.raises(ConfigError, match=r"none\.toml"):
        workbench.load(tmp_path / "none.toml")


def test_the_plan_follows_the_form(workbench):
    before = workbench.plan.facts.value
    workbench.setup.choose("training")
    workbench.setup.editors["training"].editors["steps"].control.value = "2000"
    assert workbench.plan.facts.value != before
    assert "not measured yet" in workbench.plan.facts.value


def test_what_only_the_rooms_can_see_stands_beside_its_field(workbench):
    workbench.setup.choose("rollouts")
    field = workbench.setup.editors["rollouts"].editors["max_tokens"]
    field.control.value = "100000"
    assert "set less" in field.note.value
    with pytest.raises(ValueError, match="fix this first"):
        workbench.ready()


def test_launch_starts_the_run_and_opens_it(workbench, tmp_path):
    workbench.launcher.button.click()
    run = workbench.run
    assert run.path == tmp_path / "runs" / "small"
    assert workbench.tabs.selected_index == TITLES.index("Read")
    assert workbench.reading.children == (workbench.dashboard,)
    assert run.wait(60).state == "finished"
    assert "this run will be named small-2" in workbench.setup.editors["name"].note.value


def test_what_cannot_be_launched_is_said_in_words(workbench, monkeypatch):
    workbench.launcher.seeds.line.value = "none"
    workbench.launcher.button.click()
    assert "give a number of seeds" in workbench.launcher.said.value
    assert "Error" not in workbench.launcher.said.value
    workbench.launcher.seeds.line.value = "1"
    workbench.setup.editors["name"].control.value = "a b"
    workbench.launcher.button.click()
    assert "fix this first" in workbench.launcher.said.value
    workbench.setup.editors["name"].control.value = "fine"

    def full(*given):
        raise OSError("no room left")

    monkeypatch.setattr(launch_module, "launch", full)
    workbench.launcher.button.click()
    assert "no room left" in workbench.launcher.said.value
    assert not workbench.launcher.button.disabled
    assert workbench.run is None


def test_several_seeds_are_launched_as_an_experiment(workbench, small, tmp_path, monkeypatch):
    orders = []
    run = open_run(make_run(tmp_path / "fake", Shape(steps=1, problems=1, rollouts=2)))
    monkeypatch.setattr(launch_module, "launch", lambda *order: orders.append(order) or run)
    workbench.launcher.seeds.line.value, workbench.launcher.jobs.value = "0, 5", 2
    workbench.launcher.button.click()
    assert orders == [(small, tmp_path / "runs", [0, 5], 2)]
    assert workbench.run is run


WRONG = [(text, "wrong") for text in ("", "0", "x,y", "5, 5", "-1", "2.5")]


@pytest.mark.parametrize(("text", "seeds"), [("1", None), ("3", 3), ("0, 5, 7", [0, 5, 7]), *WRONG])
def test_seeds_are_a_number_or_a_list(workbench, text, seeds):
    workbench.launcher.seeds.line.value = text
    if seeds == "wrong":
        with pytest.raises(ValueError, match="seeds"):
            workbench.launcher.seeds.read()
        assert "give a number of seeds" in workbench.launcher.seeds.note.value
        workbench.launcher.seeds.line.value = "2"
        assert "give a number of seeds" not in workbench.launcher.seeds.note.value
    else:
        assert workbench.launcher.seeds.read() == seeds


def test_a_refusal_goes_with_its_reason(workbench):
    workbench.launcher.seeds.line.value = "0"
    workbench.launcher.button.click()
    assert "give a number of seeds" in workbench.launcher.said.value
    workbench.launcher.seeds.line.value = "3"
    assert "give a number of seeds" not in workbench.launcher.said.value


def test_runs_of_the_folder_are_listed_read_and_loaded(workbench, tmp_path):
    make_run(tmp_path / "runs" / "fake", Shape(steps=2, problems=2, rollouts=4))
    workbench.tabs.selected_index = TITLES.index("Runs")
    workbench.runs.list.chosen = str(tmp_path / "runs" / "fake")  # as a click does
    assert workbench.run.name == "fake"
    assert workbench.tabs.selected_index == TITLES.index("Read")
    workbench.setup.tools["load"].value = True
    workbench.setup.loader.runs.button.click()  # a config without a task cannot be taken over
    assert "task" in workbench.setup.loader.runs.note.value


def test_a_run_that_vanished_is_said_below_the_list(workbench, tmp_path):
    run = make_run(tmp_path / "runs" / "fake", Shape(steps=1, problems=1, rollouts=2))
    workbench.tabs.selected_index = TITLES.index("Runs")
    (run / "format.json").unlink()
    workbench.runs.list.chosen = str(run)
    assert "no run directory" in workbench.runs.error.value
    assert workbench.runs.error in workbench.runs.children


def test_a_cell_returns_at_once_and_answers_come_later(small, tmp_path):
    async def scene():
        workbench = Workbench(tmp_path / "runs", small)
        assert "estimating" in workbench.plan.memory.value
        while "estimating" in workbench.plan.memory.value:
            await asyncio.sleep(0.05)
        shown = workbench.plan.memory.value
        workbench.close()
        return shown

    assert "wf-fit" in asyncio.run(asyncio.wait_for(scene(), 60))


def test_a_saved_notebook_shows_the_config_without_scripts(workbench, small):
    data, _ = workbench._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert html.escape(small.to_toml()) in data["text/html"]
    assert "<script" not in data["text/html"]


def test_a_closed_workbench_leaves_no_widgets(small, tmp_path):
    before = set(ipywidgets.Widget.widgets)
    workbench = Workbench(tmp_path, small)
    for name in workbench.setup.buttons:
        workbench.setup.choose(name)
    workbench.close()
    left = [ipywidgets.Widget.widgets[name] for name in set(ipywidgets.Widget.widgets) - before]
    assert not [widget for widget in left if isinstance(widget, ipywidgets.DOMWidget)]


def test_importing_widgets_loads_nothing_heavy():
    heavy = ("torch", "ipywidgets", "anywidget")
    script = f"import sys, widgets; print([name for name in {heavy} if name in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
