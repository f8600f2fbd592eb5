"""Search over the completions of a step or of the whole run."""

import pytest

from tests.widgets.fake_run import small_run
from widgets.recorded.data import RunData
from widgets.tokens import search as module
from widgets.tokens.search import search


@pytest.fixture
def data(tmp_path):
    return RunData(small_run(tmp_path))


def test_every_rollout_that_says_it_is_counted_whatever_its_case(data):
    rows = data.run.rollouts(columns=["step", "rollout", "text", "correct"])
    wanted = rows[rows.text.str.contains("START WITH", case=False)]
    found = search(data, "START with", data.steps())
    assert found["rollouts"] == len(rows)
    assert sum(found["counts"].values()) == len(wanted) > 0
    assert found["counts"]["correct"] == int((wanted.correct > 0.5).sum())
    assert found["counts"]["unscored"] == int(wanted.correct.isna().sum())
    assert {(hit["step"], hit["rollout"]) for hit in found["hits"]} == set(
        zip(wanted.step, wanted.rollout, strict=True)
    )
    assert all(hit["excerpt"][1] == "Start with" for hit in found["hits"])


def test_one_step_alone_and_a_step_that_cannot_be_read(data):
    assert {hit["step"] for hit in search(data, "a", [3])["hits"]} == {3}
    data.run.file("rollouts", 2).write_bytes(b"no parquet")
    assert search(data, "a", data.steps())["unreadable"] == [2]


def test_hits_are_bounded_and_all_are_counted(data, monkeypatch):
    monkeypatch.setattr(module, "MOST_HITS", 5)
    found = search(data, "a", data.steps())
    assert len(found["hits"]) == 5
    assert sum(found["counts"].values()) > 5
    assert search(data, "", data.steps())["hits"] == []
