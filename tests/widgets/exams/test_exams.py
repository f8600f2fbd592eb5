"""Exam pictures: stores of samples, curves and crossings, support as a matrix, tables; in a cell and on a page."""

import csv
import io
import random
from itertools import pairwise
from math import comb, log2

import numpy as np
import pytest

from tests.widgets.fake_run import Shape, make_run
from tests.widgets.fake_samples import PROBLEMS, SAMPLES, sharpened, write_samples
from widgets import Exams
from widgets.exams import curves, data, table
from widgets.exams.store import beside, stores, tallies
from widgets.wire import answers
from widgets.wire.payload import unpack
from workbench.analysis.evaluate import Tally


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two runs in a folder; the first was evaluated twice, and took an exam."""
    folder = tmp_path_factory.mktemp("runs")
    sharpened(make_run(folder / "one", Shape(steps=2, problems=1, rollouts=2)), 8)
    write_samples(folder / "one", 8, [0.5] * 6, exam="np_hard", samples=4)
    write_samples(make_run(folder / "two", Shape(steps=2, problems=1, rollouts=2)), 4, [0.3] * PROBLEMS, samples=16)
    (folder / "one" / "evaluations" / "samples-of-mine.parquet").write_bytes(b"foreign")
    return folder


def test_stores_are_found_by_name_and_foreign_files_are_left_alone(runs):
    found = stores(beside(runs / "one"))
    assert [(each.run, each.exam, each.step) for each in found] == [
        ("one", "", 0), ("one", "", 8), ("one", "np_hard", 8), ("two", "", 4)]  # fmt: skip
    counted = tallies(found[1])
    assert len(counted) == PROBLEMS
    assert counted["held_out/1"] == Tally(0, SAMPLES)


def test_curves_are_the_unbiased_estimator_on_common_problems(runs):
    found = stores(beside(runs / "one"))
    shown = data.pictures(found, "", [("one", 0), ("two", 4)])
    assert (shown["problems"], [point["k"] for point in shown["models"][0]["curve"]]) == (PROBLEMS, [1, 2, 4, 8, 16])
    for point in shown["models"][0]["curve"]:
        own = tallies(found[0]).values()
        exact = np.mean([1 - comb(t.graded - t.correct, point["k"]) / comb(t.graded, point["k"]) for t in own])
        assert point["value"] == pytest.approx(exact, abs=1e-12)
        assert point["low"] <= point["value"] <= point["high"]


def test_a_sharpened_model_crosses_its_base_and_loses_support(runs):
    shown = data.pictures(stores(beside(runs / "one")), "", [("one", 0), ("one", 8)])
    [crossing] = shown["pairs"][0]["crossings"]
    assert crossing["falls"]
    assert crossing["clear"]
    assert 1 < crossing["k"] < SAMPLES
    counts = shown["matrix"]["counts"]
    assert counts["kept"] + counts["lost"] + counts["gained"] + counts["neither"] == PROBLEMS
    assert counts["lost"] == len(shown["matrix"]["problems"]["lost"]) > 10
    key, before, after, completions = shown["matrix"]["problems"]["lost"][0]
    assert (key.startswith("held_out/"), before > 0, after, completions) == (True, True, 0, SAMPLES)


def test_crossings_are_where_interpolated_curves_meet():
    dice = random.Random(0)
    for _ in range(200):
        values = [dice.uniform(-1, 1) for _ in range(5)]
        gains = [
            {"k": 2**place, "value": value, "low": value - 0.1, "high": value + 0.1}
            for place, value in enumerate(values)
        ]
        found = curves.crossings(gains)
        signs = [value > 0 for value in values]
        assert len(found) == sum(one != other for one, other in pairwise(signs))
        for each in found:
            assert np.interp(log2(each["k"]), range(5), values) == pytest.approx(0, abs=1e-9)


def test_a_crossing_that_the_intervals_do_not_settle_is_not_clear():
    def gain(k, value, wide):
        return {"k": k, "value": value, "low": value - wide, "high": value + wide}

    assert curves.crossings([gain(1, 0.1, 0.2), gain(2, -0.1, 0.05)])[0]["clear"] is False
    assert curves.crossings([gain(1, 0.1, 0.05), gain(2, -0.1, 0.05)])[0]["clear"] is True
    assert curves.crossings([gain(1, 0.1, 0.05), gain(2, 0.0, 0.05), gain(4, 0.1, 0.05)]) == []


def test_what_cannot_be_compared_is_said(runs):
    found = stores(beside(runs / "one"))
    shown = data.pictures(found, "", [("one", 0), ("two", 4)])
    assert "64 and 16 graded completions: sample equally many" not in shown["models"]
    assert "graded completions: sample equally many" in shown["matrix"]["error"]
    with pytest.raises(ValueError, match="two has no samples of step 9 on its held-out problems: workbench eval two"):
        data.pictures(found, "", [("two", 9)])
    with pytest.raises(ValueError, match="0 models are chosen: choose 1 to 8"):
        data.pictures(found, "", [])
    with pytest.raises(ValueError, match="no problem in common"):
        curves.common([{"a": Tally(1, 1)}, {"b": Tally(1, 1)}])
    with pytest.raises(ValueError, match="a problem has no graded completion"):
        curves.tries_of([(Tally(0, 0),)])


def test_a_broken_store_is_named(runs, tmp_path):
    run = make_run(tmp_path / "broken", Shape(steps=1, problems=1, rollouts=2))
    write_samples(run, 0, [0.5])
    [store] = stores([run])
    store.path.write_bytes(b"no parquet")
    with pytest.raises(ValueError, match=r"samples-step-000000\.parquet"):
        data.pictures([store], "", [("broken", 0)])


def test_tables_hold_the_numbers_and_no_formula():
    rows = [{"exam": "=cmd", "run": "a|b", "step": 3, "k": 2, "pass": 0.5, "low": 0.25, "high": 0.75, "problems": 9}]
    [read] = csv.DictReader(io.StringIO(table.as_csv(rows)))
    assert (read["exam"], read["run"], float(read["pass"]), read["k"]) == ("'=cmd", "a|b", 0.5, "2")
    assert table.as_markdown(rows) == "| model | pass@2 |\n|---|---|\n| a/b, step 3 | 50.0 % (25.0 to 75.0) |\n"


def test_a_cell_compares_runs_of_any_folder_and_keeps_a_table(runs, tmp_path):
    far = make_run(tmp_path / "far", Shape(steps=1, problems=1, rollouts=2))
    write_samples(far, 2, [0.4] * PROBLEMS)
    cell = Exams(runs / "one", far)
    assert {line["run"] for line in csv.DictReader(io.StringIO(cell.table()))} == {"one", "far"}
    assert "far, step 2" in cell.snapshot()
    with pytest.raises(ValueError, match="one has no samples of gsm8k; exams: np_hard, the run's held-out problems"):
        cell.table("gsm8k")
    assert (
        "no samples" in Exams(make_run(tmp_path / "alone" / "empty", Shape(steps=1, problems=1, rollouts=2))).snapshot()
    )


def test_requests_are_answered_as_payloads(runs):
    desk = Exams(runs / "one")
    header, _ = unpack(answers.find("exam_stores").function(desk, {}))
    assert [each["exam"] for each in header["exams"]] == ["", "np_hard"]
    assert header["first"][""] == [["one", 0], ["one", 8]]
    header, _ = unpack(answers.find("exam_curves").function(desk, {"exam": "np_hard", "models": [["one", 8]]}))
    assert (header["problems"], header["matrix"]) == (6, None)
    assert header["csv"].startswith("exam,run,step,k,pass,low,high,problems\nnp_hard,one,8,1,")
