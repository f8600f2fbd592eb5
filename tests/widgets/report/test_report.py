"""The report: whole in one file, bounded, asking for nothing outside; what a model wrote stays text."""

import json
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from typer import Typer
from typer.testing import CliRunner

from tests.widgets.fake_after import score_again
from tests.widgets.fake_probes import add_probes
from tests.widgets.fake_run import Shape, make_run, small_run
from widgets.lens.gallery import Gallery, cosine
from widgets.recorded.data import RunData
from widgets.report import command, report
from widgets.report.report import write_report
from widgets.wire import bundle
from workbench.registry import find_method
from workbench.runs.open import open_run
from workbench.runs.replay import Replay


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return small_run(tmp_path_factory.mktemp("runs"))


@pytest.mark.parametrize("entry", ["dashboard/dashboard", "report/report"])
def test_a_bundle_is_one_module_of_modules_below_60_kb(entry):
    text = bundle.script(entry)
    assert not re.search(r"^import ", text, re.MULTILINE)
    assert text.count("export default") == (1 if entry == "dashboard/dashboard" else 0)
    assert all(len(bundle.read(name).encode()) < 60_000 for name in bundle.modules(entry))


@pytest.mark.parametrize("entry", ["dashboard/dashboard", "playground/playground", "runs/runs_view"])
def test_what_a_widget_sends_for_every_instance_stays_small(entry):
    assert len(bundle.packed(entry)) < 96_000


def test_modules_come_after_what_they_need():
    order = bundle.modules("dashboard/dashboard")
    assert order.index("page/dom") < order.index("charts/charts") < order.index("dashboard/dashboard")


def test_a_report_is_whole_and_reaches_for_nothing(run, tmp_path):
    text = write_report(run, tmp_path / "report.html").read_text()
    assert 'id="board-1"' in text
    assert 'id="board-5"' in text
    assert 'id="board-8"' in text
    assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", text)
    assert "default-src 'none'" in text


def board_of(text, step):
    found = re.search(rf'<script type="application/json" id="board-{step}">(.*?)</script>', text)
    return json.loads(found[1])


def test_a_report_shows_the_same_problems_before_and_after_training(tmp_path):
    shape = Shape(steps=8, problems=2, rollouts=4)
    run = open_run(add_probes(make_run(tmp_path / "fake", shape), shape))
    text = write_report(run, tmp_path / "report.html").read_text()
    section = text[text.index("The same problems before and after") : text.index('<div id="curves">')]
    assert section.count("What is 0 + 1?") == 1
    assert section.count('class="wb-open-probe"') == 4  # two problems, two evaluations
    assert "after step 4" in section
    assert "after step 8" in section
    assert section.count("wb-said") == 2 * 2 * 3
    for step in (4, 8):
        assert f'id="probe-{step}-0"' in text


def test_a_completion_of_a_tracked_problem_stays_text(tmp_path):
    shape = Shape(steps=8, problems=1, rollouts=2)
    folder = add_probes(make_run(tmp_path / "fake", shape), shape)
    path = folder / "probes" / "step-000008.parquet"
    table = pq.read_table(path)
    rows = table.to_pylist()
    hostile = pa.table([pa.array(["<img src=x onerror=alert(1)>" for _ in rows])], ["text"])
    place = table.column_names.index("text")
    pq.write_table(table.set_column(place, "text", hostile.column(0)), path)
    text = write_report(open_run(folder), tmp_path / "report.html").read_text()
    assert "&lt;img src=x" in text
    assert "<img src=x" not in text


def test_a_run_that_tracks_no_problem_has_no_such_section(run, tmp_path):
    assert "The same problems before and after" not in write_report(run, tmp_path / "report.html").read_text()


def test_a_report_says_which_groups_were_scored_again(tmp_path):
    folder = score_again(make_run(tmp_path / "fake", Shape(steps=2, problems=3, rollouts=4)), 2, 1)
    text = write_report(open_run(folder), tmp_path / "report.html").read_text()
    assert [entry["again"] for entry in board_of(text, 2)["groups"]] == [
        entry["group"] == 0 for entry in board_of(text, 2)["groups"]
    ]
    assert board_of(text, 2)["effect"]
    assert not board_of(text, 1)["effect"]


def test_the_same_run_gives_the_same_report(run, tmp_path):
    one, other = (write_report(run, tmp_path / name).read_bytes() for name in ("one.html", "other.html"))
    assert one == other


def test_a_large_run_is_cut_to_size_and_the_page_says_so(run, tmp_path, monkeypatch):
    monkeypatch.setattr(report, "MOST_BYTES", 60_000)
    text = write_report(run, tmp_path / "small.html", [2, 8]).read_text()
    assert re.search(r"step 2 \([123] of 4 problems\)", text)


def test_a_group_too_large_for_the_page_loses_rollouts(tmp_path, monkeypatch):
    run = open_run(make_run(tmp_path / "long", Shape(steps=1, problems=1, rollouts=8, filler=60)))
    whole = write_report(run, tmp_path / "whole.html")
    monkeypatch.setattr(report, "MOST_BYTES", 100_000)
    part = write_report(run, tmp_path / "part.html")
    board = json.loads(re.search(r'id="board-1">(.*?)</script>', part.read_text())[1])
    assert len(board["groups"][0]["rollouts"]) < 8
    assert part.stat().st_size < whole.stat().st_size


def test_text_of_a_model_cannot_leave_its_place(tmp_path):
    path = make_run(tmp_path / "wicked", Shape(steps=1, problems=1, rollouts=2))
    (path / "config.toml").write_text('name = "</pre><script>alert(1)</script>"')
    text = write_report(open_run(path), tmp_path / "report.html").read_text()
    assert "<script>alert(1)" not in text


def test_the_gallery_compares_every_method_with_grpo(run):
    data = RunData(run)
    gallery = Gallery(data)
    columns = gallery.columns(2)
    expected = Replay.of(run, 2).push(find_method("grpo"))
    assert columns["lens:grpo"] == pytest.approx(expected)
    rows = gallery.entries()
    cosines = [row["cosine"] for row in rows if row["cosine"] is not None]
    assert next(row for row in rows if row["key"] == "grpo")["cosine"] == pytest.approx(1)
    assert cosines == sorted(cosines, reverse=True)
    assert len(rows) == len(gallery.methods)


def test_a_method_whose_signal_is_missing_says_which(run):
    data = RunData(run)
    gallery = Gallery(data)
    gallery.columns(2)
    assert all("was not recorded" in text for text in gallery.errors.values())
    assert "vimpo" in gallery.errors
    assert "grpo" not in gallery.errors


def test_opposite_lenses_have_cosine_minus_one():
    push = torch.tensor([1.0, -2.0]).numpy()
    assert cosine(push, -push) == pytest.approx(-1)
    assert cosine(push, 0 * push) is None


def test_the_command_writes_the_file_and_names_a_wrong_step(run, tmp_path):
    application = Typer()
    application.command()(command.report)
    out = tmp_path / "page.html"
    answer = CliRunner().invoke(application, [str(run.path), "--out", str(out), "--steps", "1,8"])
    assert answer.exit_code == 0, answer.output
    assert out.is_file()
    refused = CliRunner().invoke(application, [str(run.path), "--out", str(out), "--steps", "99"])
    assert isinstance(refused.exception, ValueError)  # the command line tells it in one line
    assert "99" in str(refused.exception)
