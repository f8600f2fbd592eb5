"""`workbench serve` as a real process, looked at with a real Chromium: with its token, and without."""

import re
import shutil

import pytest
from playwright.sync_api import expect

from tests.browser.laboratory import MARKS, Shape, Watch, make_run
from tests.widgets.serve.serving import live_run, orders, record_step, served

pytestmark = MARKS
COLOURED = ".wb-tokens .wb-up, .wb-tokens .wb-down"
LONG = 60_000  # milliseconds
#: Sends a request by hand, past every button; answers what the server says to it.
BY_HAND = """(request) => new Promise((resolve) => {
  const data = Bokeh.documents[0].roots()[0].data;
  data.properties.answer.change.connect(() => {
    if (new DataView(data.answer).getUint32(0, true) === request.id) resolve(new TextDecoder().decode(data.answer));
  });
  data.request = request;
})"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served") / "runs"
    make_run(folder / "fake", Shape(steps=6, problems=4, rollouts=8))
    live_run(folder / "live", Shape(steps=3, problems=2, rollouts=4))
    (make_run(folder / "later", Shape(steps=1)) / "format.json").write_text('{"format": 99, "kind": "run"}')
    return folder


@pytest.fixture(scope="module")
def reading(runs):
    with served(runs, runs.parent / "reading.log") as running:
        yield running


@pytest.fixture
def visit(browser):
    """Opens pages, each as somebody else's browser; fails at the end on what they did wrong."""
    opened = []

    def visit_page(address, scheme="light"):
        context = browser.new_context(viewport={"width": 1400, "height": 1000}, color_scheme=scheme)
        page = context.new_page()
        watch = Watch()
        watch.listen(page)
        page.goto(address)
        opened.append((context, watch))
        return page

    yield visit_page
    for context, watch in opened:
        context.close()
        watch.check()


def shows_tokens(page):
    """Waits for the first coloured token."""
    page.wait_for_selector(COLOURED, timeout=LONG)
    return page


def test_from_the_list_to_the_tokens(reading, visit, pictures):
    page = visit(reading.door)
    row = page.locator(".wb-runs tr", has_text="fake")
    expect(row).to_contain_text("6 of 6", timeout=LONG)
    expect(row).to_contain_text(re.compile(r"\d\d\.\d %"))
    expect(page.locator(".wb-runs tr", has_text="later")).to_contain_text("upgrade rlvr-workbench")
    assert page.url == reading.address
    assert page.title() == "Runs in " + page.inner_text("h1").removeprefix("Runs in ")
    page.screenshot(path=pictures / "serve_runs.png")
    page.fill(".wb-finder input", "FAK")
    expect(page.locator(".wb-runs tbody tr")).to_have_count(1)
    page.locator(".wb-runs a", has_text="fake").click()
    shows_tokens(page)
    assert page.url == f"{reading.address}?run=fake"
    assert page.title() == "fake"
    assert page.locator(".wb-chart").count() >= 7
    page.locator(".wb-tokens .wb-token").nth(3).hover()
    page.wait_for_selector(".wb-float .wb-top")
    page.screenshot(path=pictures / "serve_run.png", full_page=True)
    page.get_by_role("link", name="all runs").click()
    expect(page.locator(".wb-runs tbody tr")).to_have_count(3, timeout=LONG)


def test_without_the_token_there_is_nothing_but_words(reading, browser):
    page = browser.new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    for address in (f"{reading.address}?run=fake", f"{reading.address}?token=guess"):
        assert page.goto(address).status == 403
        assert "token" in page.inner_text("body")
        assert page.locator("script, main, table").count() == 0
    assert all("static" not in address for address in asked)
    page.close()


def test_an_order_sent_by_hand_is_refused(reading, runs, visit):
    page = shows_tokens(visit(f"{reading.door}&run=live"))
    assert page.inner_text(".wb-badge >> nth=0") == "read-only"
    assert page.locator("[data-command]:visible").count() == 0
    answer = page.evaluate(BY_HAND, {"id": 7, "kind": "order", "order": "pause"})
    assert "these pages are read-only" in answer
    assert orders(runs / "live") == []


def test_with_control_a_pause_reaches_the_run(tmp_path, visit, pictures):
    run = live_run(tmp_path / "runs" / "live")
    with served(tmp_path / "runs", tmp_path / "control.log", "--control") as running:
        page = shows_tokens(visit(f"{running.door}&run=live", "dark"))
        page.screenshot(path=pictures / "serve_control.png")
        page.click('[data-command="pause"]')
        expect(page.locator(".wb-replies")).to_contain_text("Pause", timeout=LONG)
        for _ in range(100):
            if orders(run):
                break
            page.wait_for_timeout(100)
        assert orders(run) == ["pause"]


def test_a_server_that_is_gone_is_told(tmp_path, visit):
    make_run(tmp_path / "runs" / "fake", Shape(steps=1, problems=1, rollouts=2))
    with served(tmp_path / "runs", tmp_path / "ended.log") as running:
        page = visit(f"{running.door}&run=fake")
        expect(page.locator(".wb-chart")).not_to_have_count(0, timeout=LONG)
        page.wait_for_load_state("networkidle")
        running.process.terminate()
        expect(page.locator(".wb-lost")).to_contain_text("Connection to the server lost", timeout=LONG)
        page.wait_for_timeout(2_500)


def test_two_viewers_see_a_new_step_and_read_for_themselves(reading, runs, visit):
    one, other = (shows_tokens(visit(f"{reading.door}&run=live")) for _ in range(2))
    other.select_option('select[aria-label="step"]', "2")
    expect(other.locator(".wb-follow input")).not_to_be_checked(timeout=LONG)
    record_step(runs / "live", 4)
    expect(one.locator('select[aria-label="step"]')).to_have_value("4", timeout=LONG)
    expect(other.locator('select[aria-label="step"] option')).to_have_count(4, timeout=LONG)
    expect(other.locator('select[aria-label="step"]')).to_have_value("2")


def test_a_link_to_a_step_can_be_shared(reading, visit):
    page = shows_tokens(visit(f"{reading.door}&run=fake"))
    page.select_option('select[aria-label="step"]', "2")
    expect(page.locator('select[aria-label="step"]')).to_have_value("2", timeout=LONG)
    page.click("text=Copy link to this step")
    page.wait_for_url("**/?run=fake&step=2")
    page.reload()
    shows_tokens(page)
    expect(page.locator('select[aria-label="step"]')).to_have_value("2")
    assert not page.is_checked(".wb-follow input")


def test_the_dark_theme_is_the_browsers_wish(reading, visit, pictures):
    page = shows_tokens(visit(f"{reading.door}&run=fake&step=3", "dark"))
    assert page.get_attribute(".wb-page", "data-theme") == "dark"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(17, 19, 24)"
    page.screenshot(path=pictures / "serve_dark.png", full_page=True)


@pytest.mark.parametrize(
    ("place", "words"),
    [("run=none", "no run named 'none'"), ("run=..%2Ffake", "no run"), ("run=later", "upgrade rlvr-workbench"),
     ("run=fake&step=x", "give the number of a step"), ("run=fake&step=99", "no recorded rollouts")],
)  # fmt: skip
def test_what_cannot_be_shown_is_said_in_place(reading, visit, place, words):
    page = visit(f"{reading.door}&{place}")
    expect(page.locator(".wb-page")).to_contain_text(words, timeout=LONG)


def test_a_folder_without_runs_says_how_to_start_one_and_shows_the_first(tmp_path, visit):
    folder = tmp_path / "runs"
    folder.mkdir()
    with served(folder, tmp_path / "empty.log") as running:
        page = visit(running.door)
        expect(page.locator(".wb-finder")).to_contain_text("workbench demo", timeout=LONG)
        make_run(folder / "first", Shape(steps=1, problems=1, rollouts=2))
        expect(page.locator(".wb-runs")).to_contain_text("first", timeout=LONG)
        shutil.rmtree(folder / "first")
        expect(page.locator(".wb-finder")).to_contain_text("workbench demo", timeout=LONG)
