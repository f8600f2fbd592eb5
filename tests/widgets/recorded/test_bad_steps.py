"""A run that is broken in one step, of a later version, or taken away: said in place, and the rest goes on."""

import json
import shutil

import pytest

from tests.widgets.fake_run import Shape, make_run
from widgets import Dashboard
from widgets.playground.playground import Playground
from widgets.recorded.data import RunData
from widgets.runs.runs_view import RunsView
from widgets.wire.payload import unpack
from workbench.runs.open import open_run


@pytest.fixture
def path(tmp_path):
    return make_run(tmp_path / "runs" / "fake", Shape(steps=3, problems=2, rollouts=4))


def cut(path, step, keep=0.5):
    """Leaves the first part of a step's file."""
    file = path / "rollouts" / f"step-{step:06d}.parquet"
    file.write_bytes(file.read_bytes()[: int(keep * file.stat().st_size)])


def scribble(path, step):
    """Spoils the columns of a step's file, and leaves its footer."""
    file = path / "rollouts" / f"step-{step:06d}.parquet"
    whole = bytearray(file.read_bytes())
    whole[4 : len(whole) // 2] = b"\xff" * (len(whole) // 2 - 4)
    file.write_bytes(whole)


def asked(dashboard, **request):
    """The header of the answer to a request."""
    heard = []
    dashboard.observe(lambda change: heard.append(unpack(change["new"][4:])[0]), "answer")
    dashboard.request = {"id": 1, **request}
    dashboard.unobserve_all("answer")
    dashboard.request = {}
    return heard[0]


@pytest.mark.parametrize("spoil", [cut, scribble])
def test_a_broken_step_is_named_and_the_others_are_shown(path, spoil):
    spoil(path, 2)
    dashboard = Dashboard(path)
    told = asked(dashboard, kind="group", step=2, group=0)["error"]
    assert "rollouts/step-000002.parquet cannot be read" in told
    assert "choose another step" in told
    assert asked(dashboard, kind="group", step=3, group=0)["kind"] == "group"
    assert asked(dashboard, kind="metrics")["index"]["steps"] == [1, 2, 3]
    dashboard.close()


def test_a_broken_board_is_named(path):
    cut(path, 2, keep=0.0)
    with pytest.raises(ValueError, match=r"step-000002\.parquet cannot be read"):
        RunData(open_run(path)).board(2)


def test_a_broken_newest_step_keeps_neither_view_nor_picture_away(path):
    cut(path, 3)
    dashboard = Dashboard(path)
    data, _ = dashboard._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert "step-000003.parquet cannot be read" in data["text/html"]
    dashboard.poll()
    assert dashboard.state["verdict"] == "finished"
    dashboard.close()


def test_the_playground_names_a_broken_step_and_opens_another(path):
    cut(path, 3)
    with pytest.raises(ValueError, match="choose another step"):
        Playground(path)
    play = Playground(path, step=2)
    assert play.step == 2
    play.close()


def test_a_run_of_a_later_version_is_told_in_the_list_and_the_others_are_pictured(path):
    later = make_run(path.parent / "later <b>", Shape(steps=1, problems=1, rollouts=2))
    (later / "format.json").write_text(json.dumps({"format": 99, "kind": "run"}))
    view = RunsView(path.parent)
    picture = view.snapshot()
    assert "later &lt;b&gt;" in picture
    assert "upgrade rlvr-workbench" in picture
    assert "fake" in picture
    assert "41 %" in picture
    view.list.chosen = str(later)
    assert "upgrade rlvr-workbench" in view.children[1].value
    view.list.chosen = str(path)
    assert view.dashboard is not None
    assert "rgba(230,97,1" in view.snapshot()
    view.close()


def test_a_run_that_was_taken_away_is_still_pictured_in_words(path):
    dashboard = Dashboard(path)
    shutil.rmtree(path)
    data, _ = dashboard._repr_mimebundle_()
    assert "No rollouts recorded yet" in data["text/html"]
    dashboard.poll()
    assert dashboard.state["verdict"] == "vanished"
    dashboard.close()


def test_a_folder_without_runs_is_pictured_as_such(tmp_path):
    view = RunsView(tmp_path / "none")
    assert "0 runs below" in view.snapshot()
    view.close()
