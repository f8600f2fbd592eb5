"""The list of runs without a browser: lazy, newest first, filters and orders, runs that are broken, new or gone."""

import json
import os
import shutil
import threading

import pytest

from tests.widgets.fake_run import Shape, make_run
from widgets.recorded import folder as folder_module
from widgets.recorded.folder import RunFolder
from widgets.runs.runs_view import RunList, RunsView
from widgets.wire.payload import unpack

LINE = {"attempt": 1, "step": 1, "time": 1.0, "reward": 0.5, "accuracy": 0.25}


def bare_run(folder, started, lines=(LINE,), **status):
    """A run with metrics and no rollouts; `started` in unix seconds."""
    folder.mkdir(parents=True)
    (folder / "format.json").write_text('{"format": 1, "kind": "run"}')
    os.utime(folder / "format.json", (started, started))
    known = {"state": "finished", "step": len(lines), "total": 9, "attempt": 1, "phase": "end", **status}
    (folder / "status.json").write_text(json.dumps(known))
    (folder / "resolved.json").write_text(json.dumps({"method": {"key": "grpo"}}))
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def names(found):
    return [row["name"] for row in found["rows"]]


@pytest.fixture
def folder(tmp_path):
    """Three runs and an experiment of two."""
    runs = tmp_path / "runs"
    bare_run(runs / "old", 100.0)
    bare_run(runs / "new", 300.0, [{**LINE, "accuracy": 0.75}, {**LINE, "step": 2, "accuracy": 0.5}])
    bare_run(runs / "broke", 200.0, state="failed", text="the weights ran away")
    for seed in (0, 1):
        bare_run(runs / "study" / f"seed-{seed}", 250.0 + seed)
    (runs / "study" / "experiment.json").write_text('{"runs": ["seed-0", "seed-1"]}')
    return runs


def test_runs_and_those_of_experiments_are_listed_newest_first(folder):
    found = RunFolder(folder).window({})
    assert names(found) == ["new", "study/seed-1", "study/seed-0", "broke", "old"]
    assert [row["experiment"] for row in found["rows"]] == ["", "study", "study", "", ""]
    assert (found["all"], found["total"]) == (5, 5)
    first = found["rows"][0]
    assert (first["verdict"], first["step"], first["accuracy"], first["method"]) == ("finished", 2, 0.5, "grpo")


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"text": "SEED"}, ["study/seed-1", "study/seed-0"]),
        ({"state": "failed"}, ["broke"]),
        ({"order": "name"}, ["broke", "new", "old", "study/seed-0", "study/seed-1"]),
        ({"order": "started", "reverse": True}, ["old", "broke", "study/seed-0", "study/seed-1", "new"]),
        ({"order": "accuracy", "text": "e"}, ["new", "study/seed-1", "study/seed-0", "broke"]),
        ({"start": 1, "count": 2}, ["study/seed-1", "study/seed-0"]),
        ({"text": "nothing of that name"}, []),
    ],
)
def test_filters_orders_and_windows(folder, wanted, expected):
    assert names(RunFolder(folder).window(wanted)) == expected


def test_an_unknown_order_names_those_there_are(folder):
    with pytest.raises(ValueError, match=r"'size' is not known; there are started, name"):
        RunFolder(folder).window({"order": "size"})


def test_a_run_without_accuracy_comes_last_whichever_way_round(folder):
    bare_run(folder / "blind", 400.0, [{"attempt": 1, "step": 1, "time": 1.0, "reward": 1.0}])
    for reverse in (False, True):
        found = RunFolder(folder).window({"order": "accuracy", "reverse": reverse})
        assert found["rows"][-1]["name"] == "blind"
        assert found["rows"][-1]["accuracy"] is None


def test_only_the_rows_in_view_are_opened(folder, monkeypatch):
    opened = []
    real = folder_module.read_facts
    monkeypatch.setattr(
        folder_module, "read_facts", lambda entry, *more: opened.append(entry.name) or real(entry, *more)
    )
    runs = RunFolder(folder)
    runs.window({"start": 0, "count": 2})
    assert opened == ["new", "study/seed-1"]
    runs.window({"start": 0, "count": 3})
    assert opened == ["new", "study/seed-1", "study/seed-0"]


def test_a_filter_that_must_read_looks_at_the_newest_and_says_so(folder, monkeypatch):
    monkeypatch.setattr(folder_module, "MOST_READ", 2)
    found = RunFolder(folder).window({"state": "finished"})
    assert names(found) == ["new", "study/seed-1"]
    assert "Only the newest 2 of 5 matching runs were read" in found["note"]
    assert RunFolder(folder).window({})["note"] == ""


def test_what_takes_too_long_to_read_comes_with_the_next_answer(folder, monkeypatch):
    monkeypatch.setattr(folder_module, "PATIENCE", -1.0)
    runs = RunFolder(folder)
    assert {row["verdict"] for row in runs.window({})["rows"]} == {""}
    monkeypatch.setattr(folder_module, "PATIENCE", 60.0)
    assert {row["verdict"] for row in runs.window({})["rows"]} == {"finished", "failed"}


def test_runs_that_are_broken_or_of_a_later_version_are_told_in_their_place(folder):
    bare_run(folder / "torn", 500.0)
    (folder / "torn" / "format.json").write_text('{"form')
    bare_run(folder / "later", 600.0)
    (folder / "later" / "format.json").write_text('{"format": 9, "kind": "run"}')
    rows = {row["name"]: row for row in RunFolder(folder).window({})["rows"]}
    assert rows["torn"]["verdict"] == rows["later"]["verdict"] == "unreadable"
    assert "no run directory" in rows["torn"]["text"]
    assert "upgrade rlvr-workbench" in rows["later"]["text"]
    assert rows["new"]["verdict"] == "finished"


def test_broken_metrics_do_not_hide_a_run(folder):
    with (folder / "old" / "metrics.jsonl").open("a") as file:
        file.write('no json\n{"attempt": 1, "step": 2, "time": 1.0, "accuracy": 0.5}\n{"torn": ')
    row = RunFolder(folder).window({"text": "old"})["rows"][0]
    assert (row["accuracy"], row["spark"]) == (0.5, [0.5])


def test_runs_come_and_go_while_the_list_is_shown(folder):
    runs = RunFolder(folder)
    assert runs.window({})["all"] == 5
    bare_run(folder / "study" / "seed-2", 900.0)
    shutil.rmtree(folder / "old")
    assert names(runs.window({"order": "name"})) == ["broke", "new", "study/seed-0", "study/seed-1", "study/seed-2"]
    shutil.rmtree(folder / "study")
    assert names(runs.window({"order": "name"})) == ["broke", "new"]


def test_a_run_that_was_being_made_when_its_folder_was_listed(folder):
    runs = RunFolder(folder)
    (folder / "fresh").mkdir()
    assert runs.window({})["all"] == 5
    (folder / "fresh" / "format.json").write_text('{"format": 1, "kind": "run"}')
    found = runs.window({"text": "fresh"})
    assert names(found) == ["fresh"]
    assert found["rows"][0]["verdict"] == "dead"


def test_a_run_that_vanishes_between_listing_and_reading(folder):
    runs = RunFolder(folder)
    entry = runs.entries()[0]
    shutil.rmtree(entry.path)
    facts = runs.read(entry)
    assert facts.state["verdict"] == "vanished"
    assert "moved or removed" in facts.state["text"]


def test_a_folder_that_is_not_there_has_no_runs(tmp_path):
    assert RunFolder(tmp_path / "none").window({})["all"] == 0


def test_a_small_curve_follows_the_file(folder, monkeypatch):
    monkeypatch.setattr(folder_module, "FRESH", 0.0)
    runs = RunFolder(folder)
    assert runs.window({"text": "new"})["rows"][0]["spark"] == [0.5, 0.5]  # of the reward: two accuracies are no curve
    with (folder / "new" / "metrics.jsonl").open("a") as file:
        for step in range(3, 203):
            file.write(json.dumps({**LINE, "step": step, "accuracy": step / 202}) + "\n")
    spark = runs.window({"text": "new"})["rows"][0]["spark"]
    assert len(spark) <= folder_module.SPARK
    assert spark[-1] == 1.0


def test_ten_thousand_runs_are_listed_without_opening_them(tmp_path):
    for number in range(10_000):
        place = tmp_path / f"run-{number:05d}"
        place.mkdir()
        (place / "format.json").write_text('{"format": 1, "kind": "run"}')
    runs = RunFolder(tmp_path)
    found = runs.window({"order": "name", "start": 9_990, "count": 30})
    assert (found["total"], len(found["rows"])) == (10_000, 10)
    assert len(runs.facts) <= 10
    assert names(runs.window({"text": "run-0777", "order": "name"}))[0] == "run-07770"


# ------------------------------------------------------------------------------------------- the widgets


def asked(widget, **request):
    """The answer to a request of kind `runs` or `run_curves`, which a thread makes."""
    heard, there = [], threading.Event()

    def hear(change):
        header, _ = unpack(change["new"][4:])
        if "accepted" not in header:
            heard.append(header)
            there.set()

    widget.observe(hear, "answer")
    widget.request = {"id": 1, **request}
    assert there.wait(20)
    widget.unobserve(hear, "answer")
    widget.request = {}
    return heard[0]


def test_the_list_answers_the_view(folder):
    shown = RunList(folder)
    assert asked(shown, kind="runs", text="study", count=1)["total"] == 2
    path = str(folder / "new")
    curves = asked(shown, kind="run_curves", path=path)
    assert curves["kind"] == "metrics"
    assert asked(shown, kind="run_curves", path=path, mark=curves["mark"])["same"]
    shown.close()


def test_curves_of_a_run_that_is_gone_or_elsewhere_are_refused_in_words(folder):
    shown = RunList(folder)
    assert "is missing" in asked(shown, kind="run_curves", path=str(folder / "none"))["error"]
    assert "is not below" in asked(shown, kind="run_curves", path="/etc")["error"]
    assert "is not below" in asked(shown, kind="run_curves", path=f"{folder}/../x")["error"]
    shown.close()


def test_a_chosen_run_opens_below_and_the_one_before_is_closed(tmp_path):
    for name in ("one", "two"):
        make_run(tmp_path / name, Shape(steps=1, problems=1, rollouts=2))
    view = RunsView(tmp_path)
    view.list.chosen = str(tmp_path / "one")
    assert view.chosen == str(tmp_path / "one")
    first = view.dashboard
    assert view.children == (view.list, first)
    view.list.chosen = str(tmp_path / "two")
    assert view.dashboard.data.path.name == "two"
    assert first.comm is None
    view.close()


def test_what_cannot_be_opened_is_said_below_the_list(folder):
    view = RunsView(folder)
    view.chosen = str(folder / "nothing")
    assert "no run directory" in view.children[1].value
    view.close()


def test_a_shell_that_opens_runs_itself_only_hears_of_the_choice(folder):
    view = RunsView(folder, opens=False)
    heard = []
    view.observe(lambda change: heard.append(change["new"]), "chosen")
    view.list.chosen = str(folder / "new")
    assert heard == [str(folder / "new")]
    assert view.children == (view.list,)
    view.close()
