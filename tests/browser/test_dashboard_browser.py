"""The dashboard in a real JupyterLab in a real Chromium; the report in the browser alone."""

import math
import re
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from playwright.sync_api import expect

from tests.browser.laboratory import MARKS, Shape, Watch, make_run, write_notebook

from tests.widgets.fake_probes import add_probes  # isort: skip  (found through laboratory)
from widgets.report.report import write_report
from workbench.runs.open import open_run

pytestmark = MARKS
COLOURED = ".wb-tokens .wb-up, .wb-tokens .wb-down"


@pytest.fixture
def report(tmp_path):
    run = make_run(tmp_path / "fake", Shape(steps=3, problems=4, rollouts=8))
    return write_report(open_run(run), tmp_path / "report.html")


def opened(browser, address, scheme="light"):
    """A page and what it did wrong; the first token is coloured."""
    page = browser.new_page(viewport={"width": 1280, "height": 1000}, color_scheme=scheme)
    watch = Watch()
    watch.listen(page)
    page.goto(address)
    page.wait_for_selector(COLOURED, timeout=30_000)
    return page, watch


def forget(path, group, why):
    """Takes away what the update read of a group; `why`: as the trainer records it of groups that a filter left out."""
    rows = pq.read_table(path).to_pylist()
    for row in rows:
        if row["group"] == group:
            for name in ("advantage", "lens", "logprob", "old_logprob", "entropy", "max_prob", "rank", "top_probs"):
                row[name] = [math.nan] * len(row[name])
            row["top_ids"] = [None] * len(row["top_ids"])
            row["excluded"] = why
    schema = pq.read_schema(path).append(pa.field("excluded", pa.string()))
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_dashboard_colours_tokens_in_jupyterlab(browser, lab, pictures, theme):
    notebook = write_notebook(
        lab.folder / f"{theme}.ipynb", ["from widgets import Dashboard", "Dashboard('runs/fake')"]
    )
    page = browser.new_page(viewport={"width": 1400, "height": 1100})
    watch = Watch()
    watch.listen(page)
    lab.open(page, notebook, dark=theme == "dark")
    page.wait_for_selector(COLOURED, timeout=90_000)
    assert page.locator(".wb-chart").count() >= 7
    assert page.get_attribute(".wb-dashboard", "data-theme") == theme
    page.locator(".wb-tokens .wb-token").nth(3).hover()
    page.wait_for_selector(".wb-float .wb-top")
    page.screenshot(path=pictures / f"dashboard_{theme}.png")
    page.close()
    watch.check()


def test_a_step_recorded_meanwhile_reaches_the_page(browser, lab):
    run = make_run(lab.folder / "runs" / "growing", Shape(steps=3, problems=2, rollouts=4))
    lines = (run / "metrics.jsonl").read_text().splitlines(keepends=True)
    (run / "metrics.jsonl").write_text("".join(lines[:-1]))  # the third step does not exist yet
    notebook = write_notebook(
        lab.folder / "growing.ipynb", ["from widgets import Dashboard; Dashboard('runs/growing')"]
    )
    page = browser.new_page(viewport={"width": 1400, "height": 1100})
    watch = Watch()
    watch.listen(page)
    lab.open(page, notebook)
    page.wait_for_selector(COLOURED, timeout=90_000)
    assert page.input_value(".wb-toolbar select >> nth=0") == "2"
    (run / "metrics.jsonl").write_text("".join(lines))
    expect(page.locator(".wb-toolbar select").first).to_have_value("3", timeout=30_000)
    page.close()
    watch.check()


def test_the_dashboard_answers_while_a_cell_awaits(browser, lab):
    cells = ["from widgets import Dashboard; Dashboard('runs/fake')", "import asyncio; await asyncio.sleep(3600)"]
    page = browser.new_page(viewport={"width": 1400, "height": 1100})
    watch = Watch()
    watch.listen(page)
    lab.open(page, write_notebook(lab.folder / "awaiting.ipynb", cells))
    page.wait_for_selector(COLOURED, timeout=90_000)
    for step, problems in (("2", r"/10\d$"), ("4", r"/20\d$")):
        page.select_option(".wb-toolbar select >> nth=0", step)
        expect(page.locator(".wb-caption .wb-key")).to_have_text(re.compile(problems))
    assert not page.is_checked(".wb-follow input")
    page.close()
    watch.check()


def test_the_report_opens_without_a_network_and_shows_a_card(browser, report, pictures):
    page, watch = opened(browser, report.as_uri())
    page.locator(".wb-tokens .wb-token").nth(5).hover()
    card = page.locator(".wb-float .wb-card")
    card.wait_for()
    assert re.search(r"probability [\d.]+ %", card.inner_text())
    assert card.locator(".wb-top").count() >= 5
    assert "not recorded" not in card.locator(".wb-current").inner_text()
    page.screenshot(path=pictures / "report.png", full_page=True)
    page.close()
    watch.check()


def test_every_token_can_be_reached_by_keys(browser, report):
    page, watch = opened(browser, report.as_uri())
    page.focus(".wb-rollouts")
    first = page.inner_text(".wb-at")
    page.keyboard.press("ArrowRight")
    assert page.locator(".wb-at").count() == 1
    page.keyboard.press("Enter")
    assert page.is_visible(".wb-dock .wb-card")
    page.keyboard.press("Escape")
    assert page.is_hidden(".wb-dock")
    page.keyboard.press("]")
    assert page.locator(".wb-rollout").nth(1).locator(".wb-at").count() == 1
    page.keyboard.press("[")
    page.keyboard.press("Home")
    assert page.inner_text(".wb-at") == first
    page.keyboard.press("m")
    assert page.get_attribute('[data-signal="lens"]', "aria-pressed") == "true"
    page.keyboard.press("?")
    assert page.is_visible(".wb-help")
    page.close()
    watch.check()


def test_steps_problems_and_find(browser, report):
    page, watch = opened(browser, report.as_uri())
    page.focus(".wb-rollouts")
    page.keyboard.press("{")
    expect(page.locator(".wb-toolbar select").first).to_have_value("2")
    chosen = page.locator('.wb-group[aria-pressed="true"]')
    before = chosen.get_attribute("title")
    expect(page.locator(".wb-rollouts")).to_be_focused()
    page.keyboard.press("Shift+ArrowDown")
    expect(chosen).not_to_have_attribute("title", before)
    page.fill(".wb-find", "answer:")
    assert page.locator(".wb-hit").count() >= 8
    page.close()
    watch.check()


@pytest.mark.parametrize("why", ["filtered", None])
def test_a_group_without_numbers_is_marked_missing_and_not_drawn_as_zero(browser, tmp_path, why):
    run = make_run(tmp_path / "fake", Shape(steps=1, problems=2, rollouts=4))
    forget(run / "rollouts" / "step-000001.parquet", group=1, why=why)
    address = write_report(open_run(run), tmp_path / "report.html").as_uri()
    page, watch = opened(browser, address)
    fold = page.locator(".wb-excluded summary")
    expect(fold).to_have_count(int(why is not None))
    if why is not None:
        assert fold.inner_text().startswith("1 not trained on removed by a filter: 1 ")
        expect(page.locator(".wb-group").nth(1)).to_be_hidden()
        fold.click()
    page.locator(".wb-group").nth(1).click()
    page.locator(".wb-group >> nth=1").and_(page.locator("[aria-pressed=true]")).wait_for()
    expect(page.locator(".wb-bar-line .wb-badge", has_text="removed by a filter")).to_have_count(int(why is not None))
    assert page.locator(".wb-tokens .wb-zero").count() == 0
    assert page.locator(".wb-tokens .wb-missing").count() > 0
    page.close()
    watch.check()


def test_from_the_problems_before_and_after_to_their_tokens(browser, tmp_path):
    shape = Shape(steps=8, problems=2, rollouts=4)
    run = add_probes(make_run(tmp_path / "fake", shape), shape)
    page, watch = opened(browser, write_report(open_run(run), tmp_path / "report.html").as_uri())
    page.locator(".wb-open-probe").nth(1).click()
    expect(page.locator(".wb-bar-line .wb-badge").first).to_have_text("tracked problem at step 8")
    page.locator(".wb-cell").first.click()
    expect(page.locator(".wb-bar-line .wb-badge").first).to_have_text("tracked problem at step 4")
    page.close()
    watch.check()


def test_the_picture_of_the_readme(browser, report, pictures):
    """Made small here; `docs/images/token_view.png` is the same picture of a real run."""
    page, watch = opened(browser, report.as_uri(), "dark")
    assert page.get_attribute("#report", "data-theme") == "dark"
    page.locator(".wb-view").screenshot(path=pictures / "token_view.png")
    assert (pictures / "token_view.png").stat().st_size > 20_000
    page.close()
    watch.check()


def test_a_saved_copy_of_the_report_works_elsewhere(browser, report, tmp_path):
    other = tmp_path / "elsewhere"
    other.mkdir()
    copy = shutil.copy(report, other / "copy.html")
    page, watch = opened(browser, Path(copy).as_uri())
    page.close()
    watch.check()
