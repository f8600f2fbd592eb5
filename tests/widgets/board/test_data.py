"""One problem over the steps, and the rollouts of probes; what is missing or broken is said."""

import itertools
import math

import pytest

from tests.widgets.fake_probes import add_probes
from tests.widgets.fake_run import Shape, make_run
from widgets import Dashboard
from widgets.board import data
from widgets.recorded.data import RunData
from widgets.report.report import write_report
from widgets.wire import answers
from widgets.wire.payload import unpack
from workbench.runs.open import open_run

SHAPE = Shape(steps=8, problems=2, rollouts=6)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """A run without probes."""
    return make_run(tmp_path_factory.mktemp("runs") / "plain", SHAPE)


@pytest.fixture
def probed(tmp_path):
    return RunData(open_run(add_probes(make_run(tmp_path / "probed", SHAPE), SHAPE)))


def test_a_probe_has_a_cell_for_every_evaluation_that_counts_its_rollouts(probed):
    found = data.histories(probed, "word_problems/100")
    assert [each["problem"] for each in found["probes"]] == ["held_out/0", "held_out/1"]
    rows = probed.run.probes(8)
    rows = rows[rows["problem"] == "held_out/1"]
    last = found["probes"][1]["cells"][-1]
    assert [cell["step"] for cell in found["probes"][1]["cells"]] == [4, 8]
    assert last["correct"] == int((rows["correct"] > 0.5).sum())
    assert last["length"] == pytest.approx(rows["token_ids"].map(len).mean())
    assert found["probes"][0]["question"] == "What is 0 + 1?"


def test_a_training_problem_that_came_once_has_one_cell_and_one_that_never_came_none(probed):
    own = data.histories(probed, "word_problems/100")["own"]
    assert (own["count"], [cell["step"] for cell in own["cells"]]) == (1, [2])
    assert data.histories(probed, "nowhere/1")["own"] == {
        "problem": "nowhere/1", "question": "", "count": 0, "cells": []}  # fmt: skip


def test_a_run_without_probes_has_none(plain):
    found = data.histories(RunData(open_run(plain)), "word_problems/100")
    assert found["probes"] == []
    with pytest.raises(ValueError, match=r"step 4 of plain has no tracked problems.* none; set evaluation\.probes"):
        data.probe(RunData(open_run(plain)), 4, 0)


def test_an_unscored_rollout_counts_as_incorrect():
    def row(correct):
        return {"group": 0, "prompt": "", "correct": correct}

    found = data.outcome([(row(1.0), 4), (row(0.0), 8), (row(None), 3), (row(math.nan), 5)])
    assert (found.rollouts, found.scored, found.correct, found.length) == (4, 4, 1, 5.0)


def test_a_broken_step_is_named_and_the_others_are_told(probed):
    probed.run.file("probes", 4).write_bytes(b"PAR1 half a file")
    found = data.histories(probed, "word_problems/100")
    assert found["unreadable"] == [4]
    assert [cell["step"] for cell in found["probes"][0]["cells"]] == [8]


def test_a_step_that_was_written_again_is_read_again(probed):
    before = data.histories(probed, "word_problems/100")["probes"][0]["cells"][0]
    add_probes(probed.path, Shape(steps=4, problems=2, rollouts=3))
    after = data.histories(probed, "word_problems/100")["probes"][0]["cells"][0]
    assert (before["rollouts"], after["rollouts"]) == (6, 3)


def test_of_many_steps_few_are_told_with_the_newest():
    cells = [{"step": step} for step in range(1, 1000)]
    kept = [cell["step"] for cell in data.thinned(cells)]
    assert len(kept) <= data.MOST_CELLS
    assert kept[-1] == 999
    assert len({after - before for before, after in itertools.pairwise(kept)}) == 1
    assert data.thinned([]) == []


def test_the_rollouts_of_a_probe_come_as_a_group_of_their_own_kind(probed):
    header, columns = unpack(data.probe(probed, 4, 1))
    assert (header["kind"], header["step"], header["group"]) == ("probe", 4, 1)
    assert {rollout["problem"] for rollout in header["rollouts"]} == {"held_out/1"}
    assert columns["tokens"].size == sum(rollout["length"] for rollout in header["rollouts"])
    assert "entropy" in header["signals"]
    assert "advantage" not in header["signals"]
    with pytest.raises(ValueError, match="no tracked problem 7"):
        data.probe(probed, 4, 7)


def test_both_requests_are_answered(probed):
    dashboard = Dashboard(probed.run)
    header, _ = unpack(answers.find("histories").function(dashboard, {"problem": "word_problems/100"}))
    assert header["kind"] == "histories"
    assert answers.slow("histories")
    cell = header["probes"][0]["cells"][0]
    found, _ = unpack(answers.find("probe").function(dashboard, {"step": cell["step"], "group": cell["group"]}))
    assert found["kind"] == "probe"
    dashboard.close()


def test_the_styles_of_the_board_are_sent_with_every_view_of_tokens(plain, tmp_path):
    assert ".wb-board-parts" in Dashboard._css
    assert ".wb-board-parts" in write_report(open_run(plain), tmp_path / "report.html").read_text()
