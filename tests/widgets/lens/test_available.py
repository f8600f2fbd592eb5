"""Whether a method's lens can be had on a record: which signals are missing, and whether they can be added."""

import pytest

from tests.widgets.fake_run import small_run
from widgets.lens import available
from widgets.lens.available import obstacle
from workbench.registry import find_method, methods
from workbench.runs.replay import Replay


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return small_run(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def replay(run):
    return Replay.of(run, 3, 1)


def test_a_method_whose_signals_are_there_has_no_obstacle(run, replay):
    assert obstacle(run, 3, find_method("gspo"), replay) == ""


def test_what_is_missing_is_named_in_words_with_the_command_that_adds_it(run, replay, monkeypatch):
    monkeypatch.setattr(available, "exact_steps", lambda run, name: [3])
    told = obstacle(run, 3, find_method("ace"), replay)
    assert told.startswith("needs reference log-prob, not recorded")
    assert f"workbench signals {run.path} --add ref_logprob" in told


def test_what_cannot_be_added_says_so_and_offers_no_command(run, replay):
    told = obstacle(run, 3, find_method("cepo"), replay)
    assert "no kept checkpoint gives exactly" in told
    assert "--add" not in told
    assert "@" not in told


def test_the_answer_agrees_with_the_replay(run, replay):
    for method in methods().values():
        told = obstacle(run, 3, method, replay)
        if told:
            with pytest.raises((ValueError, RuntimeError)):
                replay.push(method)
        else:
            replay.push(method)
