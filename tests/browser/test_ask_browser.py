"""Asking a run's model from the dashboard: try, evaluate, fork; a real run of the embedded model in JupyterLab."""

import json
import os
import re
import shutil
import signal
import time

import psutil
import pytest
from playwright.sync_api import expect

from tests.browser.laboratory import MARKS, Shape, Watch, laboratory, make_run, write_notebook
from tests.runs.real_run import make_run as train
from tests.widgets.serve.serving import served
from workbench.runs.open import open_run

pytestmark = MARKS
#: A dashboard that somebody can put another in the place of.
OPENING = """
import ipywidgets
from widgets import Dashboard
label = ipywidgets.Label()
def opens(path):
    label.value = path
ipywidgets.VBox([label, Dashboard('runs/demo', opens)])
"""
SLOW = 120_000  # milliseconds; the machine may be busy
COLOURED = ".wb-tokens .wb-amount, .wb-tokens .wb-up, .wb-tokens .wb-down"


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    folder = tmp_path_factory.mktemp("asked")
    train(folder / "runs", "demo", training={"steps": 12, "checkpoint": 4}, rollouts={"problems": 8, "rollouts": 8})
    with laboratory(folder) as running:
        yield running


@pytest.fixture
def show(browser, lab):
    """Opens a dashboard in a notebook; fails at the end on what the page did wrong."""
    opened = []

    def open_page(code, dark=False):
        page = browser.new_page(viewport={"width": 1400, "height": 1500})
        watch = Watch()
        watch.listen(page)
        lab.open(
            page, write_notebook(lab.folder / f"asked_{len(list(lab.folder.glob('*.ipynb')))}.ipynb", [code]), dark
        )
        page.wait_for_selector(".wb-ask-open", timeout=SLOW)
        opened.append((page, watch))
        return page

    yield open_page
    for page, watch in opened:
        page.close()
        watch.check()


def unfold(page, title):
    """Opens a section; answers its panel."""
    page.click(f".wb-ask-open:has-text('{title}')")
    return page.locator(f".wb-ask[aria-label='{title}']")


def picture(page, panel, path):
    """A screenshot of a section as it is read."""
    panel.scroll_into_view_if_needed()
    page.wait_for_timeout(300)
    page.locator(".wb-asks").screenshot(path=path)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_before_and_now_answer_side_by_side_and_open_token_by_token(show, pictures, theme):
    page = show("from widgets import Dashboard; Dashboard('runs/demo')", dark=theme == "dark")
    panel = unfold(page, "Prompt the model")
    expect(panel.locator(".wb-ask-question")).to_contain_text("reference answer:", timeout=SLOW)
    panel.locator("button[type=submit]").click()
    expect(panel.locator(".wb-ask-answer")).to_have_count(8, timeout=SLOW)
    heads = panel.locator(".wb-ask-head b").all_inner_texts()
    assert heads == ["before training", "after step 12"]
    expect(panel.locator(".wb-ask-head").first).to_contain_text(re.compile(r"\d of 4 correct · mean reward"))
    expect(panel.locator(".wb-parts").first).to_contain_text("exact")
    picture(page, panel, pictures / f"ask_try_{theme}.png")
    panel.locator("text=Compare token by token").click()
    sides = page.locator(".wb-side")
    expect(sides).to_have_count(2, timeout=SLOW)
    assert [side.locator("b").first.inner_text() for side in sides.all()] == heads
    expect(sides.nth(1).locator(".wb-amount").first).to_be_visible(timeout=SLOW)
    assert not page.is_checked(".wb-follow input")
    page.screenshot(path=pictures / f"ask_side_by_side_{theme}.png")


def test_an_own_text_and_the_problem_below_are_asked_and_one_answer_is_read(show):
    page = show("from widgets import Dashboard; Dashboard('runs/demo')")
    page.wait_for_selector(COLOURED, timeout=SLOW)
    panel = unfold(page, "Prompt the model")
    panel.locator("[aria-label='checkpoint to compare with']").select_option("")
    panel.locator("[aria-label='what to prompt with']").select_option("shown")
    question = page.locator(".wb-group[aria-pressed=true] .wb-question").inner_text()
    expect(panel.locator(".wb-ask-question")).to_have_text(question)
    panel.locator("[aria-label='what to prompt with']").select_option("own")
    panel.locator("textarea").fill("<b>What is 2 + 3?</b>")
    panel.get_by_label("samples", exact=True).fill("2")
    panel.locator("button[type=submit]").click()
    expect(panel.locator(".wb-ask-answer")).to_have_count(2, timeout=SLOW)
    expect(panel.locator(".wb-ask-answer .wb-grade")).to_have_count(0)
    panel.locator(".wb-ask-answer button").nth(1).click()
    expect(page.locator(".wb-notice")).to_contain_text(
        "Completions before training. Choose a problem on the left", timeout=SLOW
    )
    expect(page.locator(".wb-rollouts .wb-rollout")).to_have_count(2)
    expect(page.locator(".wb-rollouts .wb-amount").first).to_be_visible()
    expect(page.locator(".wb-bar-line").first).to_contain_text("unscored")
    page.locator(".wb-bar-line button", has_text="back to step").click()
    expect(page.locator(".wb-rollouts .wb-rollout")).not_to_have_count(2)
    expect(page.locator(".wb-group[aria-pressed=true] .wb-question")).to_have_text(question)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_an_examination_goes_on_beside_the_view_and_its_results_stay(show, lab, pictures, theme):
    shutil.copytree(lab.folder / "runs" / "demo", lab.folder / "runs" / f"examined-{theme}")
    code = f"from widgets import Dashboard; Dashboard('runs/examined-{theme}')"
    page = show(code, dark=theme == "dark")
    panel = unfold(page, "Evaluate")
    expect(panel).to_contain_text("This run has not been evaluated yet", timeout=SLOW)
    panel.get_by_label("after step 4").check()
    panel.get_by_label("held-out problems").fill("12")
    panel.get_by_label("samples (k) for pass@k").fill("1, 2, 4")
    expect(panel).to_contain_text("144 completions: 3 checkpoints, 12 problems, 4 samples each")
    panel.locator("button[type=submit]").click()
    expect(panel.locator(".wb-ask-told")).to_have_text("loading the model", timeout=SLOW)
    page.select_option(".wb-toolbar select >> nth=0", "3")  # other views go on meanwhile
    expect(page.locator(".wb-rollouts .wb-rollout")).to_have_count(8)
    expect(panel.locator(".wb-ask-told")).to_contain_text("done in", timeout=SLOW)
    expect(panel.locator(".wb-exam tbody tr")).to_have_count(3, timeout=SLOW)
    assert panel.locator(".wb-exam thead th").all_inner_texts()[1:4] == ["pass@1", "pass@2", "pass@4"]
    expect(panel.locator(".wb-exam")).to_contain_text("over the base model")
    expect(panel.locator(".wb-passes polyline")).to_have_count(3)
    picture(page, panel, pictures / f"ask_evaluate_{theme}.png")
    again = show(code)
    expect(unfold(again, "Evaluate").locator(".wb-exam tbody tr")).to_have_count(3, timeout=SLOW)


def test_an_examination_can_be_cancelled_and_dies_with_its_kernel(show, lab):
    page = show("from widgets import Dashboard; Dashboard('runs/demo')")
    panel = unfold(page, "Evaluate")
    panel.get_by_label("held-out problems").fill("400")
    panel.locator("button[type=submit]").click()
    expect(panel.locator(".wb-ask-told")).to_contain_text("evaluating the model before training", timeout=SLOW)
    assert len(examiners(lab)) == 1
    panel.get_by_role("button", name="Cancel").click()
    expect(panel.locator(".wb-ask-told")).to_contain_text("cancelled after", timeout=SLOW)
    vanish(lab)
    panel.locator("button[type=submit]").click()
    expect(panel.locator(".wb-ask-told")).to_contain_text("evaluating the model before training", timeout=SLOW)
    (examiner,) = examiners(lab)
    os.kill(examiner.ppid(), signal.SIGKILL)
    vanish(lab)


def examiners(lab):
    """The processes that examine a run of this laboratory."""
    there = psutil.process_iter(["cmdline"])
    return [
        each
        for each in there
        if "workbench.runs.checkpoints.background" in (line := each.info["cmdline"] or [])
        and str(lab.folder) in line[-1]
    ]


def vanish(lab):
    """Waits until nobody examines any more."""
    deadline = time.monotonic() + SLOW / 1000
    while examiners(lab) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not examiners(lab)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_fork_is_checked_while_one_writes_and_its_run_moves(show, lab, pictures, theme):
    plain = "from widgets import Dashboard; Dashboard('runs/demo')"
    page = show(OPENING if theme == "dark" else plain, dark=theme == "dark")
    panel = unfold(page, "Fork")
    expect(panel.locator(".wb-ask-problems")).to_contain_text(
        "training.steps = 12: the fork begins after step 12", timeout=SLOW
    )
    panel.get_by_label("Continue from the model").select_option("8")
    expect(panel.locator(".wb-ask-problems li")).to_have_count(0, timeout=SLOW)
    panel.get_by_label("new value").fill("-1")
    expect(panel.locator(".wb-ask-changes")).to_contain_text("a number above 0", timeout=SLOW)
    expect(panel.get_by_role("button", name="Start the fork")).to_be_disabled()
    picture(page, panel, pictures / f"ask_fork_wrong_{theme}.png")
    panel.get_by_label("new value").fill("1e-4")
    panel.get_by_label("as a new run named").fill(f"slower-{theme}")
    expect(panel.get_by_role("button", name="Start the fork")).to_be_enabled(timeout=SLOW)
    panel.get_by_role("button", name="Start the fork").click()
    expect(panel.locator(".wb-ask-started")).to_contain_text("learning_rate: 0.0003 -> 0.0001", timeout=SLOW)
    if theme == "dark":
        panel.get_by_role("button", name="Open it").click()
        expect(page.locator(".widget-label")).to_have_text("runs/slower-dark", timeout=SLOW)
    else:
        expect(panel.locator("code")).to_have_text('Dashboard("runs/slower-light")')
    picture(page, panel, pictures / f"ask_fork_{theme}.png")
    forked = open_run(lab.folder / "runs" / f"slower-{theme}")
    assert forked.wait(SLOW / 1000).state == "finished"
    assert forked.steps() == [9, 10, 11, 12]
    assert forked.config.training.learning_rate == 1e-4
    panel.get_by_label("as a new run named").fill(f"slower-{theme}")
    expect(panel).to_contain_text(f"a run named slower-{theme} exists", timeout=SLOW)


def test_everything_is_reached_by_keys_and_nothing_is_asked_before(show, lab):
    page = show("from widgets import Dashboard; view = Dashboard('runs/demo'); view")
    opener = page.locator(".wb-ask-open", has_text="Fork")
    opener.focus()
    page.keyboard.press("Enter")
    expect(opener).to_have_attribute("aria-expanded", "true")
    panel = page.locator(".wb-ask[aria-label=Fork]")
    expect(panel.locator("[aria-label=field]")).to_have_value("training.learning_rate", timeout=SLOW)
    assert page.locator(".wb-ask >> nth=0").inner_html() == ""
    page.keyboard.press("Tab")
    expect(panel.locator("select")).to_be_focused()
    for _ in range(3):
        page.keyboard.press("Tab")
    page.keyboard.type("5e-5")
    expect(panel.get_by_label("new value")).to_have_value("5e-5")
    page.keyboard.press("Escape")
    expect(opener).to_be_focused()
    expect(panel).to_be_hidden()


# ------------------------------------------------------------------------------------------- bad luck


def test_what_cannot_be_asked_is_said_in_place(show, lab):
    run = make_run(lab.folder / "runs" / "foreign", Shape(steps=2, problems=2, rollouts=4))
    page = show("from widgets import Dashboard; Dashboard('runs/foreign')")
    for title in ("Prompt the model", "Evaluate", "Fork"):
        expect(unfold(page, title)).to_contain_text("names no model", timeout=SLOW)
    shutil.move(run, run.with_name("elsewhere"))
    unfold(page, "Evaluate")
    expect(unfold(page, "Evaluate").locator(".wb-ask-told")).to_contain_text("is no run directory", timeout=SLOW)
    shutil.move(run.with_name("elsewhere"), run)


def test_served_pages_have_the_sections_only_under_control(lab, browser, tmp_path):
    for options, count in (((), 0), (("--control",), 1)):
        with served(lab.folder / "runs", tmp_path / f"serve{count}.log", *options) as running:
            page, watch = browser.new_page(viewport={"width": 1400, "height": 1000}), Watch()
            watch.listen(page)
            page.goto(f"{running.door}&run=demo")
            page.wait_for_selector(COLOURED, timeout=SLOW)
            expect(page.locator(".wb-ask-open", has_text=re.compile("^Problems$"))).to_have_count(1)
            for title in ("Prompt the model", "Evaluate", "Fork"):
                expect(page.locator(".wb-ask-open", has_text=title)).to_have_count(count)
            if count:
                ask_and_fork(page)
                assert json.loads((lab.folder / "runs" / "served" / "env.json").read_text())["parent"]["step"] == 4
            page.close()
            watch.check()


def ask_and_fork(page):
    """Tries the model and forks its run from a page of the server."""
    panel = unfold(page, "Prompt the model")
    panel.locator("button[type=submit]").click()
    expect(panel.locator(".wb-ask-answer")).to_have_count(8, timeout=SLOW)
    panel = unfold(page, "Fork")
    panel.get_by_label("Continue from the model").select_option("4", timeout=SLOW)
    panel.get_by_label("as a new run named").fill("served")
    expect(panel.get_by_role("button", name="Start the fork")).to_be_enabled(timeout=SLOW)
    panel.get_by_role("button", name="Start the fork").click()
    panel.locator("a", has_text="Open its page").click(timeout=SLOW)
    expect(page.locator(".wb-run-name")).to_have_text("served", timeout=SLOW)
