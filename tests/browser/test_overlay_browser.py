"""Curves of several runs over each other: what happened to each is marked in its colour; where it is much, folded."""

import json

import pytest
from playwright.sync_api import expect

from tests.browser.laboratory import MARKS, Shape, Watch, laboratory, make_run, write_notebook

pytestmark = MARKS
SLOW = 60_000  # milliseconds
TALL = "line.wb-event[y1='8']"  # from the top of the drawing


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lab")
    for name, count in (("calm", 2), ("busy", 30)):
        run = make_run(folder / "runs" / name, Shape(steps=6, problems=2, rollouts=2))
        events = [{"attempt": 1, "time": 1.7e9 + at, "step": 1 + at % 5, "kind": "set", "text": f"{name} change {at}"}
                  for at in range(count)]  # fmt: skip
        (run / "events.jsonl").write_text("".join(f"{json.dumps(event)}\n" for event in events))
    with laboratory(folder) as running:
        yield running


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_events_of_every_run_by_colour_and_many_of_them_folded(browser, lab, pictures, dark):
    page, watch = browser.new_page(viewport={"width": 1400, "height": 1100}), Watch()
    watch.listen(page)
    lab.open(page, write_notebook(lab.folder / "runs.ipynb", ["import widgets; widgets.RunsView('runs')"]), dark=dark)
    rows = page.locator(".wb-run-rows .wb-run-line")
    expect(rows).to_have_count(2, timeout=SLOW)
    rows.filter(has_text="calm").locator(".wb-pick").click()
    chart = page.locator(".wb-overlay .wb-chart").first
    expect(chart.locator(TALL)).to_have_count(2, timeout=SLOW)
    fold = page.locator(".wb-overlay button", has_text="event")
    expect(fold).to_be_hidden()  # of one run all are drawn
    rows.filter(has_text="busy").locator(".wb-pick").click()
    expect(fold).to_have_text("32 events", timeout=SLOW)
    expect(chart.locator(TALL)).to_have_count(0)  # so many are short marks
    colours = chart.locator("line.wb-event").evaluate_all(
        "(all) => [...new Set(all.map((e) => getComputedStyle(e).stroke))]"
    )
    assert len(colours) == 2
    fold.focus()
    page.keyboard.press("Enter")
    expect(chart.locator(TALL)).to_have_count(32)
    page.screenshot(path=pictures / f"overlay_{'dark' if dark else 'light'}.png")
    page.focus(".wb-overlay .wb-charts")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")  # from step 0 to step 1
    expect(page.locator(".wb-overlay .wb-event-text")).to_contain_text("busy · step 1 · set: busy change 25")
    page.locator(".wb-overlay summary", has_text="Events").click()
    expect(page.locator(".wb-overlay .wb-events li")).to_have_count(32)
    expect(page.locator(".wb-overlay .wb-events li", has_text="calm change 1")).to_contain_text("calm")
    page.close()
    watch.check()


def test_rows_that_did_not_change_stay_in_the_page(browser, lab):
    page, watch = browser.new_page(viewport={"width": 1400, "height": 900}), Watch()
    watch.listen(page)
    lab.open(page, write_notebook(lab.folder / "still.ipynb", ["import widgets; widgets.RunsView('runs')"]))
    rows = page.locator(".wb-run-rows .wb-run-line")
    expect(rows).to_have_count(2, timeout=SLOW)
    expect(rows.locator(".wb-state")).to_have_count(2, timeout=SLOW)  # both are read by now
    page.evaluate("""() => { globalThis.removed = 0;
      new MutationObserver((all) => { for (const { removedNodes } of all)
          for (const node of removedNodes) if (node.nodeType === 1) removed += 1; })
        .observe(document.querySelector(".wb-run-rows"), { childList: true, subtree: true }); }""")
    page.wait_for_timeout(7_000)  # three requests for the rows
    assert page.evaluate("() => removed") == 0
    page.close()
    watch.check()
