"""What a run remembers, in a real Chromium: ledger, stock and descent, roles on the board, pictures of exams."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.laboratory import MARKS, Watch
from tests.widgets.fake_roles import make_roles_run
from tests.widgets.fake_samples import sharpened
from tests.widgets.serve.serving import served

pytestmark = MARKS
LONG = 60_000  # milliseconds
CAPTION = ".wb-caption"


@pytest.fixture
def page(browser, tmp_path):
    """The run's page."""
    sharpened(make_roles_run(tmp_path / "runs" / "roles"), 8)
    with served(tmp_path / "runs", tmp_path / "serve.log") as running:
        context = browser.new_context(viewport={"width": 1400, "height": 1000}, color_scheme="light")
        page = context.new_page()
        watch = Watch()
        watch.listen(page)
        page.goto(f"{running.door}&run=roles")
        page.wait_for_selector(".wb-token", timeout=LONG)
        yield page
        context.close()
        watch.check()


def test_from_the_ledger_and_the_stock_to_the_rollouts_and_along_their_descent(page, pictures):
    through_the_ledger(page, pictures)
    page.focus(".wb-ledger button.wb-visit >> nth=-1")
    page.keyboard.press("Escape")  # folds the section
    expect(page.locator(".wb-ledger")).to_be_hidden()
    through_the_stock(page, pictures)
    page.click(".wb-roles button:has-text('try 1')")
    expect(page.locator(".wb-group")).to_have_count(1)
    through_the_exams(page, pictures)
    assert "alarm" in page.inner_text(".wb-alarms")


def through_the_ledger(page, pictures):
    """States, keys, a visit that is not on record, one that is."""
    press = page.keyboard.press
    page.focus(".wb-ask-open:text-is('Problems')")
    press("Enter")
    page.wait_for_selector(".wb-visit", timeout=LONG)
    expect(page.locator(".wb-ledger-row")).to_have_count(10)
    page.locator(".wb-asks").screenshot(path=pictures / "ledger.png")
    page.click(".wb-ledger-states button:has-text('forgotten')")
    expect(page.locator(".wb-ledger-row")).to_have_count(1)
    page.locator(".wb-ledger .wb-visit").first.click()
    expect(page.locator(".wb-memory [role=status] >> nth=-1")).to_contain_text(
        "step 1 has no rollouts of word_problems/50"
    )
    page.click(".wb-ledger-states button:has-text('all')")
    expect(page.locator(".wb-ledger-row")).to_have_count(10)
    page.focus(".wb-ledger .wb-visit[tabindex='0']")
    for key in ("End", "ArrowDown", "ArrowUp", "ArrowLeft"):
        press(key)
    label = page.evaluate("() => document.activeElement.getAttribute('aria-label')")
    step = re.fullmatch(r"step (\d+): \d+ of \d+ correct", label)[1]
    press("Enter")
    expect(page.locator(CAPTION)).to_contain_text("word_problems/")
    expect(page.locator("select[aria-label=step]")).to_have_value(step)
    press("Escape")


def through_the_stock(page, pictures):
    """A made problem, the proposal it came from, its tries and back."""
    press = page.keyboard.press
    page.focus(".wb-ask-open:has-text('Made problems')")
    press("Enter")
    page.wait_for_selector(".wb-point >> nth=7", timeout=LONG)
    page.focus(".wb-stock td button >> nth=0")
    press("ArrowDown")
    press("Enter")
    expect(page.locator(".wb-stock-item pre")).to_have_text("What is 7 + 4?")
    page.locator(".wb-asks").screenshot(path=pictures / "stock.png")
    page.click(".wb-stock-item button")
    expect(page.locator(CAPTION)).to_contain_text("propose 7")
    expect(page.locator(".wb-foot >> nth=0")).to_contain_text(re.compile("worth late 0.75"))
    press(">")
    expect(page.locator(CAPTION)).to_contain_text("made 7")
    page.screenshot(path=pictures / "tries.png")
    press("<")
    expect(page.locator(CAPTION)).to_contain_text("propose 7")


def through_the_exams(page, pictures):
    """Curves that cross, the problems that were lost, the table as a file; and one model alone."""
    page.focus(".wb-ask-open:has-text('Exams')")
    page.keyboard.press("Enter")
    page.wait_for_selector(".wb-exam-figure .wb-crossing.wb-clear", timeout=LONG)
    expect(page.locator(".wb-exam-crossings li")).to_have_text(
        re.compile(r"step 8 falls below .* before training at k ≈ \d")
    )
    page.focus(".wb-support-cell.wb-lost")
    page.keyboard.press("Enter")
    lost = int(page.inner_text(".wb-support-cell.wb-lost b"))
    expect(page.locator(".wb-support-list tbody tr")).to_have_count(lost)
    page.locator(".wb-exams").screenshot(path=pictures / "exams.png")
    with page.expect_download() as download:
        page.click("text=download CSV")
    assert download.value.path().read_text().startswith("exam,run,step,k,pass,low,high,problems")
    page.click(".wb-exam-models button:has-text('step 8')")
    expect(page.locator(".wb-exam-table thead th")).to_have_count(2)
    expect(page.locator(".wb-support")).to_have_count(0)
