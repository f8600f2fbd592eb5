"""The list of runs and the monitor in a real JupyterLab: orders with their answers, reattaching, bad luck, curves."""

import json
import os
import re
import shutil
import time
from dataclasses import asdict

import pytest
from playwright.sync_api import expect

from tests.browser.laboratory import MARKS, Shape, Watch, laboratory, make_run, write_notebook
from workbench import launch, open_run
from workbench.runs.demo import demo_config
from workbench.runs.directory.lock import Identity

pytestmark = MARKS
SLOW = 90_000  # milliseconds; the machine may be busy with others
STATE = ".wb-run .wb-state"
SMALL = {"steps": 400, "threads": 1}


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    with laboratory(tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.fixture(scope="module")
def training(lab):
    """A run that really trains, far longer than the tests take; stopped afterwards."""
    evaluation, rollouts = {"problems": 16, "every": 5}, {"problems": 4, "rollouts": 4}
    config = demo_config().replace(name="training", training=SMALL, evaluation=evaluation, rollouts=rollouts)
    run = launch(config, lab.folder / "runs")
    yield run
    if not run.status.ended:
        run.stop()
        run.wait(120)


@pytest.fixture
def shown(browser, lab):
    """Opens a notebook of some cells; fails at the end on errors of the page and on requests that leave it."""
    opened = []

    def open_page(*cells, dark=False, height=1100):
        page = browser.new_page(viewport={"width": 1400, "height": height})
        watch = Watch()
        watch.listen(page)
        notebook = write_notebook(lab.folder / f"notebook-{time.monotonic_ns()}.ipynb", cells)
        lab.open(page, notebook, dark=dark)
        opened.append((page, watch))
        return page

    yield open_page
    for page, watch in opened:
        page.close()
        watch.check()


def status_of(folder, **changes):
    """Changes what a made-up run says of itself."""
    path = folder / "status.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "time": time.time(), **changes}))


def held_by_this_test(folder):
    """Makes a made-up run look as if its trainer were alive."""
    (folder / "lock").write_text(json.dumps(asdict(Identity.of(os.getpid()))))


def answer_with(page, result):
    """The line that says what became of an order."""
    return page.locator(f".wb-replies li[data-result='{result}']").first


# ------------------------------------------------------------------------------------------- a real trainer


def test_a_learning_rate_is_changed_and_acknowledged_and_the_run_stopped(shown, training, pictures):
    page = shown(f"from widgets import Dashboard; Dashboard({str(training.path)!r})")
    expect(page.locator(STATE)).to_have_text("running", timeout=SLOW)
    page.locator(".wb-chart").nth(3).wait_for(timeout=SLOW)
    page.click("text=Change …")
    page.fill("[name=learning_rate]", "0.0001")
    page.click(".wb-live >> text=Apply")
    expect(answer_with(page, "done")).to_contain_text("learning_rate: 0.0003 -> 0.0001", timeout=SLOW)
    assert re.search(r"done at step \d+", answer_with(page, "done").inner_text())
    page.locator(".wb-event title", has_text="learning_rate").first.wait_for(state="attached", timeout=SLOW)
    page.screenshot(path=pictures / "monitor_light.png")
    assert [event["new"] for event in training.event_lines() if event["kind"] == "set"] == [{"learning_rate": 1e-4}]


def test_a_refused_change_says_why(shown, training):
    page = shown(f"from widgets import Dashboard; Dashboard({str(training.path)!r})")
    expect(page.locator(STATE)).to_have_text("running", timeout=SLOW)
    page.click("text=Change …", timeout=SLOW)
    page.fill("[name=clip_norm]", "lots")
    page.click(".wb-live >> text=Apply")
    expect(answer_with(page, "refused")).to_contain_text("give a number")
    page.fill("[name=clip_norm]", "-1")
    page.click(".wb-live >> text=Apply")
    expect(answer_with(page, "refused")).to_contain_text("clip_norm = -1", timeout=SLOW)


def test_the_run_goes_on_while_the_kernel_restarts_and_stops_from_the_interface(shown, lab, training):
    page = shown("from widgets import Dashboard", f"Dashboard({str(training.path)!r})")
    expect(page.locator(STATE)).to_have_text("running", timeout=SLOW)
    before, trainer = training.status.step, json.loads((training.path / "pid.json").read_text())["pid"]
    page.click(".lm-MenuBar-itemLabel:text-is('Kernel')")
    page.click(".lm-Menu-itemLabel:text-is('Restart Kernel…')")
    page.click(".jp-Dialog .jp-mod-accept")
    page.wait_for_selector("text=/ipykernel\\) . Idle/", timeout=SLOW)
    lab.run_all(page)
    expect(page.locator(STATE).last).to_have_text("running", timeout=SLOW)
    told = page.locator(".wb-run .wb-muted").last
    expect(told).to_contain_text(re.compile(r"step \d+ of 400"), timeout=SLOW)
    assert json.loads((training.path / "pid.json").read_text())["pid"] == trainer
    deadline = time.monotonic() + SLOW / 1000
    while training.status.step <= before and time.monotonic() < deadline:
        time.sleep(0.2)
    assert training.status.step > before
    page.locator("[data-command=stop]").last.click()
    expect(page.locator(STATE).last).to_have_text("stopped", timeout=SLOW)
    expect(answer_with(page, "done")).to_contain_text("stops after", timeout=SLOW)
    assert training.wait(30).state == "stopped"


# ------------------------------------------------------------------------------------------- the list


@pytest.fixture(scope="module")
def folder(lab):
    """A folder of made-up runs: running, failed, seeds of an experiment, one of a later version."""
    runs = lab.folder / "several"
    for place, seed in (("running", 1), ("failed", 2), ("study/seed-0", 3), ("study/seed-1", 4), ("study/seed-2", 5)):
        make_run(runs / place, Shape(steps=12, problems=2, rollouts=4, seed=seed))
    (runs / "study" / "experiment.json").write_text(json.dumps({"runs": ["seed-0", "seed-1", "seed-2"], "jobs": 1}))
    status_of(runs / "running", state="running", phase="generate", total=40, typical=600.0)
    held_by_this_test(runs / "running")
    status_of(runs / "failed", state="failed", text="no room left in runs: the next step needs about 9,000 bytes")
    shutil.copytree(runs / "running", runs / "later")
    (runs / "later" / "format.json").write_text('{"format": 9, "kind": "run"}')
    return runs


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_list_shows_every_state_and_lays_seeds_over_each_other(shown, folder, pictures, theme):
    page = shown(f"from widgets import RunsView; RunsView({str(folder)!r})", dark=theme == "dark")
    rows = page.locator(".wb-run-rows .wb-run-line")
    expect(rows).to_have_count(6, timeout=SLOW)
    of = {name: rows.filter(has_text=name) for name in ("running", "failed", "later")}
    expect(of["running"].locator(".wb-state").first).to_have_text("running", timeout=SLOW)
    expect(of["failed"].locator(".wb-why")).to_contain_text("no room left")
    expect(of["later"].locator(".wb-why")).to_contain_text("upgrade rlvr-workbench")
    page.locator(".wb-seeds").first.click()
    of["running"].locator(".wb-pick").click()
    expect(page.locator(".wb-run-groups")).to_contain_text("study: 3 seeds, median and 95 % band", timeout=SLOW)
    page.locator(".wb-overlay .wb-band").first.wait_for(state="attached")
    assert page.locator(".wb-overlay .wb-chart").first.locator(".wb-faint").count() == 3
    page.screenshot(path=pictures / f"runs_{theme}.png")


def test_a_run_is_chosen_by_keys_and_opens_below(shown, folder):
    page = shown(f"from widgets import RunsView; view = RunsView({str(folder)!r}); view")
    expect(page.locator(".wb-run-rows .wb-run-line")).to_have_count(6, timeout=SLOW)
    page.select_option("[aria-label='filter by state']", "failed")
    expect(page.locator(".wb-run-rows .wb-run-line")).to_have_count(1, timeout=SLOW)
    page.focus(".wb-run-rows")
    page.keyboard.press("Enter")
    expect(page.locator(".wb-error")).to_contain_text("no room left", timeout=SLOW)
    expect(page.locator(".wb-dashboard .wb-run-name")).to_have_text("failed")
    expect(page.locator("[data-command=again]")).to_be_visible()


def test_ten_thousand_runs_stay_usable(shown, lab):
    many = lab.folder / "many"
    for number in range(10_000):
        (many / f"run-{number:05d}").mkdir(parents=True)
        (many / f"run-{number:05d}" / "format.json").write_text('{"format": 1, "kind": "run"}')
    page = shown(f"from widgets import RunsView; RunsView({str(many)!r})")
    expect(page.locator(".wb-list-head")).to_contain_text("10,000 runs", timeout=SLOW)
    assert page.locator(".wb-run-rows .wb-run-line").count() <= 24
    page.focus(".wb-run-rows")
    page.keyboard.press("End")
    expect(page.locator("[aria-rowindex='10000'] .wb-state")).to_have_text("dead", timeout=SLOW)
    assert page.locator(".wb-run-rows .wb-run-line").count() <= 24
    page.select_option("[aria-label='filter by state']", "finished")
    expect(page.locator(".wb-list > .wb-note").first).to_contain_text(
        "Only the newest 400 of 10,000 matching runs were read", timeout=SLOW
    )


# ------------------------------------------------------------------------------------------- bad luck


def test_bad_luck_is_told_in_place_and_the_view_goes_on(shown, lab):
    run = make_run(lab.folder / "runs" / "unlucky", Shape(steps=4, problems=2, rollouts=4))
    held_by_this_test(run)
    status_of(run, state="running", phase="reward", typical=1.0, total=9, time=time.time() - 3600)
    page = shown(f"from widgets import Dashboard; Dashboard({str(run)!r})")
    expect(page.locator(STATE)).to_have_text("stalled in reward", timeout=SLOW)
    expect(page.locator(".wb-error")).to_contain_text("The trainer does not respond")
    (run / "lock").write_text("")
    expect(page.locator(STATE)).to_have_text("dead", timeout=SLOW)
    expect(page.locator("[data-command=again]")).to_have_text("Resume from the last checkpoint")
    charts = page.locator(".wb-chart").count()
    shutil.move(run, run.with_name("elsewhere"))
    expect(page.locator(STATE)).to_have_text("vanished", timeout=SLOW)
    expect(page.locator(".wb-error")).to_contain_text("moved or removed")
    assert page.locator(".wb-chart").count() == charts
    shutil.move(run.with_name("elsewhere"), run)
    expect(page.locator(STATE)).to_have_text("dead", timeout=SLOW)


def test_curves_by_key_and_as_a_table(shown, lab):
    run = make_run(lab.folder / "runs" / "quiet", Shape(steps=9, problems=2, rollouts=4))
    page = shown(f"from widgets import Dashboard; Dashboard({str(run)!r})")
    page.locator(".wb-chart").nth(3).wait_for(timeout=SLOW)
    page.focus(".wb-charts")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".wb-event-text")).to_have_text("step 1")
    page.keyboard.press("Enter")
    expect(page.locator(".wb-toolbar select").first).to_have_value("1", timeout=SLOW)
    page.click("text=Numbers as a table")
    page.select_option("[aria-label='curves in the table']", "Entropy")
    assert page.locator(".wb-rows th").all_inner_texts() == ["step", "entropy"]
    assert page.locator(".wb-rows tbody tr").count() == 10
    page.click("text=log scale")
    expect(page.locator("text=log scale")).to_have_attribute("aria-pressed", "true")
    assert open_run(run).status.state == "finished"
