"""The dashboard without a browser: answers to requests, news of a live run, orders, the still picture."""

import asyncio
import json

import pytest

from tests.widgets.fake_run import Shape, make_run, small_run
from widgets import Dashboard
from widgets.dashboard.dashboard import Tokens
from widgets.recorded.data import RunData
from widgets.recorded.state import read_state
from widgets.tokens.snapshot import snapshot
from widgets.wire.payload import unpack
from workbench.runs.open import open_run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return small_run(tmp_path_factory.mktemp("runs"))


@pytest.fixture
def live(tmp_path):
    """A run of its own, for tests that change it."""
    return make_run(tmp_path / "live", Shape(steps=3, problems=2, rollouts=4))


def answers(dashboard):
    """Every answer from now on, as (number, header)."""
    found = []

    def hear(change):
        found.append((int.from_bytes(change["new"][:4], "little"), unpack(change["new"][4:])[0]))

    dashboard.observe(hear, "answer")
    return found


def test_every_request_is_answered_under_its_number(run):
    dashboard = Dashboard(run)
    heard = answers(dashboard)
    dashboard.request = {"id": 7, "kind": "board", "step": 2}
    dashboard.request = {"id": 8, "kind": "group", "step": 2, "group": 1}
    dashboard.request = {"id": 9, "kind": "metrics"}
    assert [(number, header["kind"]) for number, header in heard] == [(7, "board"), (8, "group"), (9, "metrics")]
    dashboard.close()


def test_a_message_is_answered_like_a_request(run):
    dashboard = Dashboard(run)
    heard = answers(dashboard)
    dashboard._handle_custom_msg({"id": 4, "kind": "follow", "on": False}, [])
    assert heard[0][0] == 4
    assert not dashboard.following
    dashboard.close()


def test_what_cannot_be_answered_is_said_in_words(run):
    dashboard = Dashboard(run)
    heard = answers(dashboard)
    dashboard.request = {"id": 1, "kind": "board", "step": 99}
    dashboard.request = {"id": 2, "kind": "command", "command": "format"}
    dashboard.request = {"id": 3, "kind": "command", "command": "pause"}
    assert "no recorded rollouts" in heard[0][1]["error"]
    assert "unknown command" in heard[1][1]["error"]
    assert "finished" in heard[2][1]["error"]
    dashboard.close()


def test_news_is_pushed_once_and_only_when_there_is_some(live):
    dashboard = Dashboard(live)
    heard = answers(dashboard)
    dashboard.poll()
    dashboard.poll()
    assert [header["kind"] for _, header in heard] == ["metrics", "group", "board"]
    assert heard[-1][1]["newest"]
    with (live / "events.jsonl").open("a") as file:
        file.write(json.dumps({"attempt": 1, "time": 1.0, "step": 3, "kind": "set", "text": "x"}) + "\n")
    dashboard.poll()
    assert [header["kind"] for _, header in heard[3:]] == ["metrics"]
    dashboard.close()


def test_the_state_follows_the_run(live):
    dashboard = Dashboard(live)
    assert dashboard.state["verdict"] == "finished"
    status = json.loads((live / "status.json").read_text())
    (live / "status.json").write_text(json.dumps({**status, "state": "stopped", "step": 2}))
    dashboard.poll()
    assert (dashboard.state["verdict"], dashboard.state["step"]) == ("stopped", 2)
    dashboard.close()


def test_the_poller_runs_in_the_kernel_and_ends_with_the_widget(live):
    async def scene():
        dashboard = Dashboard(live)
        heard = answers(dashboard)
        assert await dashboard.finished() == "finished"
        await asyncio.sleep(0)
        assert heard
        dashboard.close()
        await asyncio.sleep(0)
        return dashboard.poller.cancelled()

    assert asyncio.run(scene())


def test_unknown_keywords_are_refused(run):
    with pytest.raises(TypeError, match="steps"):
        Dashboard(run, steps=3)


def test_tokens_opens_at_a_step(run):
    tokens = Tokens(run, step=3)
    assert tokens.shown == {"head": False, "curves": False, "step": 3}
    tokens.close()


def test_a_saved_notebook_shows_a_picture_without_scripts(run):
    dashboard = Dashboard(run)
    data, _ = dashboard._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    picture = data["text/html"]
    assert "<script" not in picture
    assert "rgba(230,97,1" in picture
    assert "dashed" in picture
    assert len(picture) < 60_000
    dashboard.close()


def test_a_step_that_is_not_there_is_refused_with_those_that_are(run):
    with pytest.raises(ValueError, match="recorded steps: 1 to 8"):
        Tokens(run, step=999)


def test_a_run_of_an_experiment_is_headed_by_the_experiments_name_too(tmp_path):
    run = open_run(make_run(tmp_path / "mine" / "seed-0", Shape(steps=1, problems=1, rollouts=2)))
    assert read_state(run)["name"] == "seed-0"
    (tmp_path / "mine" / "experiment.json").write_text("{}")
    assert read_state(run)["name"] == "mine/seed-0"
    assert "mine/seed-0: finished" in snapshot(RunData(run))
