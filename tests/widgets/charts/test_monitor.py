"""What stands behind the curves: the tail of a run that grows, thinning, live fields, orders, answers, bad luck."""

import json
import shutil

import numpy as np
import pytest

from tests.widgets.dashboard.test_dashboard import answers
from tests.widgets.fake_run import Shape, make_run
from widgets import Dashboard
from widgets.recorded.curves import MOST, Curves, columns_of, thinned
from widgets.recorded.state import read_state
from widgets.wire.payload import unpack
from workbench.runs.directory.control import Control
from workbench.runs.directory.paths import RunDirectory
from workbench.runs.directory.status import Status
from workbench.runs.open import Run, open_run

ALIVE = Status("running", phase="generate", step=3, total=9, typical=2.0)


@pytest.fixture
def path(tmp_path):
    return make_run(tmp_path / "run", Shape(steps=3, problems=2, rollouts=4))


def write(path, *lines, file="metrics.jsonl"):
    """Appends lines; a text stands as it is."""
    with (path / file).open("a") as out:
        for line in lines:
            out.write(line if isinstance(line, str) else json.dumps(line) + "\n")


def step(number, attempt=1, **more):
    return {"attempt": attempt, "step": number, "time": 1.7e9, "reward": 0.5, **more}


def test_first_all_then_only_what_came_since(path):
    curves = Curves(path)
    header, columns = unpack(curves.news())
    assert not header["tail"]
    assert columns["step"].tolist() == [0, 1, 2, 3]
    assert header["index"]["steps"] == [1, 2, 3]
    assert curves.news() is None
    write(path, step(4, kl=0.25))
    header, columns = unpack(curves.news())
    assert (header["tail"], columns["step"].tolist(), columns["kl"].tolist()) == (True, [4], [0.25])
    assert header["index"]["steps"] == []  # its rollouts were not kept
    assert curves.news() is None


def test_a_line_that_is_being_written_is_waited_for(path):
    curves = Curves(path)
    curves.news()
    write(path, '{"attempt": 1, "step": 4, ')
    assert curves.news() is None
    write(path, '"reward": 0.75}\n')
    header, columns = unpack(curves.news())
    assert columns["reward"].tolist() == [0.75]
    assert header["notes"] == []


def test_a_broken_line_is_skipped_and_told(path):
    curves = Curves(path)
    curves.news()
    write(path, "not json\n", step(4))
    header, columns = unpack(curves.news())
    assert columns["step"].tolist() == [4]
    assert "no JSON object; skipped" in header["notes"][0]


def test_after_a_resume_everything_comes_again_without_what_was_given_up(path):
    curves = Curves(path)
    curves.news()
    write(path, {"attempt": 2, "time": 1.0, "step": 1, "kind": "resumed", "text": ""}, file="events.jsonl")
    write(path, step(2, attempt=2, reward=0.125))
    header, columns = unpack(curves.news())
    assert not header["tail"]
    assert columns["step"].tolist() == [0, 1, 2]
    assert columns["reward"][-1] == 0.125
    assert curves.recorded == 2


def test_a_run_that_vanishes_and_comes_back(path):
    curves = Curves(path)
    curves.news()
    shutil.move(path, path.with_name("away"))
    assert curves.news() is None
    shutil.move(path.with_name("away"), path)
    assert unpack(curves.news())[1]["step"].tolist() == [0, 1, 2, 3]


def test_long_runs_are_thinned_and_keep_their_peaks():
    rows = [{"step": number, "reward": 0.5 + 0.001 * (number % 7)} for number in range(50_001)]
    rows[33_333]["reward"], rows[44_444]["reward"] = 9.0, -9.0
    columns, stretch = thinned(columns_of(rows))
    assert len(columns["step"]) <= MOST + 1
    assert stretch == 26
    assert (columns["reward"].max(), columns["reward"].min()) == (9.0, -9.0)
    assert columns["step"][-1] == 50_000
    assert (np.diff(columns["step"]) >= 0).all()
    assert thinned(columns_of(rows[:100]))[1] == 1


def test_a_missing_number_is_nan_and_never_zero():
    columns = columns_of([{"step": 1, "accuracy": 0.5}, {"step": 2, "accuracy": None, "kept": True}])
    assert np.isnan(columns["accuracy"][1])
    assert set(columns) == {"step", "accuracy"}


def test_many_notes_do_not_drive_out_what_was_set(path):
    write(path, *({"time": 2e9 + n, "step": n, "kind": "note", "text": "x"} for n in range(500)), file="events.jsonl")
    header, _ = unpack(Curves(path).whole())
    assert header["events"][0]["kind"] == "set"
    assert len(header["events"]) == 101


# ------------------------------------------------------------------------------------------- requests


@pytest.fixture
def dashboard(path):
    shown = Dashboard(path)
    yield shown
    shown.close()


def test_a_new_step_is_pushed_as_a_tail(dashboard, path):
    heard = answers(dashboard)
    dashboard.poll()
    write(path, step(4))
    dashboard.poll()
    assert [(header["kind"], header.get("tail")) for _, header in heard if header["kind"] == "metrics"] == [
        ("metrics", False),
        ("metrics", True),
    ]


def test_the_view_is_told_the_group_size_and_the_fields_that_may_change(dashboard, path):
    config = {"training": {"learning_rate": 3e-4, "clip_norm": 1.0, "steps": 9}, "rollouts": {"rollouts": 16}}
    (path / "resolved.json").write_text(json.dumps(config))
    write(path, {"step": 2, "kind": "set", "text": "", "new": {"learning_rate": 1e-4}}, file="events.jsonl")
    heard = answers(dashboard)
    dashboard.request = {"id": 1, "kind": "setting"}
    header = heard[0][1]
    assert header["group_size"] == 16
    assert {field["name"]: field["value"] for field in header["live"]} == {"learning_rate": 1e-4, "clip_norm": 1.0}
    assert all(field["help"] for field in header["live"])


def test_an_order_is_followed_until_the_trainer_answers(dashboard, path, monkeypatch):
    monkeypatch.setattr("workbench.runs.open.read_status", lambda directory: ALIVE)
    heard = answers(dashboard)
    dashboard.request = {"id": 1, "kind": "set", "values": {"learning_rate": 1e-4}}
    number = heard[0][1]["number"]
    dashboard.request = {"id": 2, "kind": "outcome", "number": number}
    assert heard[1][1]["result"] == "pending"
    control = Control(RunDirectory(path))
    control.acknowledge(control.pending()[0], "done", "learning_rate: 0.0003 -> 0.0001", step=7)
    dashboard.request = {"id": 3, "kind": "outcome", "number": number}
    assert {name: heard[2][1][name] for name in ("result", "step", "text")} == {
        "result": "done", "step": 7, "text": "learning_rate: 0.0003 -> 0.0001"
    }  # fmt: skip


def test_an_order_to_a_finished_run_is_refused_in_words(dashboard):
    heard = answers(dashboard)
    dashboard.request = {"id": 1, "kind": "set", "values": {"learning_rate": 1e-4}}
    assert "is finished" in heard[0][1]["error"]


# ------------------------------------------------------------------------------------------- bad luck


def test_a_dead_trainer_can_be_started_again_a_finished_one_not(path):
    assert not read_state(open_run(path))["startable"]
    status = json.loads((path / "status.json").read_text())
    (path / "status.json").write_text(json.dumps({**status, "state": "running", "time": 1.0}))
    state = read_state(open_run(path))
    assert (state["verdict"], state["startable"], state["left"]) == ("dead", True, None)
    assert "logs" in state["text"]


def test_time_left_is_told_while_a_run_goes_on(path, monkeypatch):
    monkeypatch.setattr("workbench.runs.open.read_status", lambda directory: ALIVE)
    assert read_state(open_run(path))["left"] == 12.0


def test_a_full_disk_is_told_in_the_trainers_words(path):
    told = "no room left in runs: the next step needs about 1,000 bytes, 0 are free; make room, then resume the run"
    status = {"state": "failed", "phase": "record", "step": 2, "total": 3, "text": told}
    (path / "status.json").write_text(json.dumps(status))
    state = read_state(open_run(path))
    assert (state["verdict"], state["text"], state["startable"]) == ("failed", told, True)


def test_a_folder_that_is_gone_is_told_and_the_poller_goes_on(dashboard, path):
    dashboard.poll()
    shutil.rmtree(path)
    dashboard.poll()
    assert dashboard.state["verdict"] == "vanished"
    assert "moved or removed" in dashboard.state["text"]
    dashboard.poll()


def test_a_status_that_makes_no_sense_is_told(path):
    (path / "status.json").write_text('{"state": "running", "time": "soon"}')
    state = read_state(Run(RunDirectory(path)))
    assert (state["verdict"], state["ended"]) == ("dead", True)
    assert "status.json: time = 'soon' is not a time in unix seconds" in state["text"]


def test_broken_rollouts_do_not_stop_the_news(dashboard, path):
    dashboard.poll()
    (path / "rollouts" / "step-000004.parquet").write_bytes(b"PAR1 no")
    write(path, step(4))
    heard = answers(dashboard)
    dashboard.poll()
    assert heard[0][1]["tail"]
    assert "error" in heard[1][1]
    write(path, step(5))
    dashboard.poll()
    assert heard[2][1]["tail"]
