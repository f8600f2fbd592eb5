"""The dashboard in a real JupyterLab in a real Chromium; the report in the browser alone."""

import os
import re
import shutil
from pathlib import Path

import pytest
from fake_run import Shape, make_run
from laboratory import ARGUMENTS, CHROMIUM, Watch, laboratory, write_notebook
from playwright.sync_api import sync_playwright

from widgets.report import write_report
from workbench.runs.open import open_run

pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"no {CHROMIUM}: apt-get install chromium to run these"),
]
COLOURED = ".wb-tokens .wb-up, .wb-tokens .wb-down"


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lab")
    make_run(folder / "runs" / "fake", Shape(steps=6, problems=4, rollouts=8))
    with laboratory(folder) as running:
        yield running


@pytest.fixture
def pictures(tmp_path):
    """Where screenshots go: WORKBENCH_PICTURES, or the test's own folder."""
    folder = Path(os.environ.get("WORKBENCH_PICTURES") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


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
    page.wait_for_function("document.querySelector('.wb-toolbar select').value === '2'")
    chosen = page.locator('.wb-group[aria-pressed="true"]').get_attribute("title")
    page.wait_for_function("document.activeElement.classList.contains('wb-rollouts')")
    page.keyboard.press("Shift+ArrowDown")
    page.wait_for_function(
        "wanted => document.querySelector('.wb-group[aria-pressed=true]').title !== wanted", arg=chosen
    )
    page.fill(".wb-find", "answer:")
    assert page.locator(".wb-hit").count() >= 8
    page.close()
    watch.check()


def test_a_token_without_a_number_is_not_drawn_as_zero(browser, report):
    page, watch = opened(browser, report.as_uri())
    assert page.locator('.wb-signals option[value="kl"]').count() == 0
    page.locator(".wb-tokens .wb-token").nth(2).hover()
    classes = page.evaluate(
        """() => { const view = document.querySelector('.wb-tokens .wb-token'); return view.className; }"""
    )
    assert "wb-missing" not in classes
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
