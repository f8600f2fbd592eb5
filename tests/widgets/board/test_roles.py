"""Roles, sources, descent and late scores of a step's groups, as the board and the tokens get them."""

import pytest

from tests.widgets.fake_roles import make_roles_run
from tests.widgets.fake_run import Shape
from widgets.recorded.curves import Curves
from widgets.recorded.data import RunData
from widgets.recorded.groups import entries
from widgets.report.report import write_report
from widgets.wire.payload import unpack
from workbench.runs.open import open_run


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "roles"
    return RunData(open_run(make_roles_run(folder, Shape(steps=4, problems=2, rollouts=3))))


def test_groups_have_role_source_and_descent(data):
    groups = {each.get("role", ""): each for each in data.board(3)["groups"]}
    assert list(groups) == ["", "propose", "try"]
    assert (groups["propose"]["source"], groups["try"]["source"]) == ("find", "find")
    assert "source" not in groups[""]
    proposal = groups["propose"]["rollouts"][0]
    assert [outcome[4] for outcome in groups["try"]["rollouts"]] == [proposal[0]] * 4
    assert len(proposal) == 4  # made from none
    assert proposal[2] is None  # a reward without a grade


def test_a_run_of_an_earlier_version_has_neither(data):
    row = {"rollout": 0, "group": 0, "problem": "p", "prompt": "", "reward": 1.0, "correct": 1.0, "finish": "stop"}
    assert entries([row], ()) == [
        {"group": 0, "problem": "p", "question": "", "rollouts": [[0, 1.0, 1.0, "stop"]], "excluded": None}
    ]


def test_a_late_score_is_marked_and_adds_up(data):
    board = data.board(3)["groups"]
    number = {each.get("role", ""): each["group"] for each in board}
    proposals = unpack(data.group(3, number["propose"]))[0]["rollouts"]
    [part] = proposals[0]["parts"]
    assert (part["name"], part["late"], part["weight"]) == ("worth", True, 1.0)
    assert proposals[0]["shaping"] == 0.0
    assert (proposals[0]["role"], proposals[0]["parent"]) == ("propose", None)
    tries = unpack(data.group(3, number["try"]))[0]["rollouts"]
    assert tries[0]["parent"] == proposals[0]["rollout"]
    assert tries[0]["parts"][0]["late"] is False


def test_an_alarm_says_what_it_did_and_other_events_say_nothing_of_it(data):
    header, columns = unpack(Curves(data.path).whole())
    events = {event["kind"]: event for event in header["events"]}
    assert events["alarm"]["action"] == "pause"
    assert "action" not in events["set"]
    assert "entropy.propose" in columns


def test_a_report_of_such_a_run_is_written(data, tmp_path):
    text = write_report(data.run, tmp_path / "report.html").read_text()
    assert '"role":"propose"' in text
