"""Requests of the views: each kind is a function in a file of `widgets/answers`; what fails is said in words."""

import subprocess
import sys
import threading

import numpy as np
import pytest

from tests.widgets.dashboard.test_dashboard import answers as heard_by
from tests.widgets.fake_run import small_run
from widgets import Dashboard
from widgets.checkpoint.branching import source
from widgets.recorded.data import read
from widgets.wire import answers
from widgets.wire.payload import pack, unpack
from workbench.registry import find_method
from workbench.runs.replay import Replay


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return small_run(tmp_path_factory.mktemp("runs"))


@pytest.fixture
def dashboard(run):
    shown = Dashboard(run)
    yield shown
    shown.close()


@pytest.fixture
def entered(monkeypatch):
    """A registry that forgets afterwards what a test entered."""
    answers.load()
    monkeypatch.setattr(answers, "ANSWERS", dict(answers.ANSWERS))


def test_an_unknown_kind_names_those_there_are(dashboard):
    heard = heard_by(dashboard)
    dashboard.request = {"id": 3, "kind": "paint"}
    assert "'paint' is not known; there are board, " in heard[0][1]["error"]


def test_the_first_answer_does_not_wait_for_torch():
    told = "import sys; from widgets.wire import answers; answers.load(); print('torch' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"


def test_a_slow_answer_lets_others_pass(dashboard, entered):
    gate = threading.Event()

    @answers.answer("wait", slow=True)
    def wait(desk, request):
        gate.wait(10)
        return pack({"kind": "wait", "seen": request["text"]}, {})

    heard = heard_by(dashboard)
    dashboard.request = {"id": 1, "kind": "wait", "text": "x"}
    dashboard.request = {"id": 2, "kind": "board", "step": 2}
    gate.set()
    answers_there = threading.Event()
    dashboard.observe(lambda change: answers_there.set(), "answer")
    assert len(heard) == 3 or answers_there.wait(10)
    assert [number for number, _ in heard] == [1, 2, 1]
    assert heard[0][1] == {"accepted": True}
    assert heard[2][1]["seen"] == "x"


def test_whatever_fails_is_told_with_its_name(dashboard, entered):
    @answers.answer("fall")
    def fall(desk, request):
        raise RuntimeError("a method fell over")

    heard = heard_by(dashboard)
    dashboard.request = {"id": 1, "kind": "fall"}
    assert heard[0][1]["error"] == "RuntimeError: a method fell over"


def test_the_lens_of_a_method_is_that_of_replay_and_a_missing_signal_is_named(dashboard, run):
    _, columns = unpack(answers.find("lens").function(dashboard, {"step": 3, "group": 1, "method": "gspo"}))
    np.testing.assert_allclose(columns["lens"], Replay.of(run, 3, 1).push(find_method("gspo")), rtol=1e-6)
    with pytest.raises(ValueError, match="was not recorded"):
        answers.find("lens").function(dashboard, {"step": 3, "group": 1, "method": "vimpo"})
    with pytest.raises(ValueError, match="no group 99"):
        answers.find("lens").function(dashboard, {"step": 3, "group": 99, "method": "gspo"})


def test_every_method_is_named_with_what_it_changes(dashboard):
    listed, _ = unpack(answers.find("methods").function(dashboard, {}))  # the playground asks for all of them
    assert {entry["error"] for entry in listed["methods"]} == {""}
    header, _ = unpack(answers.find("methods").function(dashboard, {"step": 3, "group": 1}))
    gspo = next(entry for entry in header["methods"] if entry["key"] == "gspo")
    assert gspo["title"] == "GSPO"
    assert gspo["changes"]


def test_a_branch_comes_as_a_group_and_says_who_wrote_it(dashboard, run, monkeypatch):
    asked = []

    def branched(*place):
        asked.append(place)
        return read(run.file("rollouts", 3), None, 1).replace_schema_metadata({"checkpoint": "2", "exact": "true"})

    monkeypatch.setattr("workbench.runs.checkpoints.snapshot.branch", branched)
    request = {"step": 3, "rollout": 8, "at": 4, "token": 7, "n": 6}
    header, columns = unpack(answers.find("branch").function(dashboard, request))
    assert asked == [(run, 3, 8, 4, 7, 6)]
    assert header["kind"] == "branch"
    assert header["source"] == "by the policy after step 2"
    assert len(header["rollouts"]) == 6
    assert columns["tokens"].size == sum(rollout["length"] for rollout in header["rollouts"])
    with pytest.raises(ValueError, match="n = 65"):
        answers.find("branch").function(dashboard, {**request, "n": 65})


def test_the_policy_of_a_branch_is_told_in_words():
    assert source({b"checkpoint": b"0", b"exact": b"true"}) == "by the model before training"
    assert source({b"checkpoint": b"5", b"exact": b"false"}) == "by the policy after step 5 (nearest checkpoint)"
