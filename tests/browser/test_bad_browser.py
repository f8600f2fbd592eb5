"""Rollouts that no model should write: in the token view, in what the step did, in the picture of a saved notebook."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.laboratory import MARKS, Shape, Watch, make_run
from widgets.recorded.data import RunData
from widgets.report.report import write_report
from widgets.tokens.snapshot import snapshot
from workbench.runs.open import open_run

from tests.widgets.fake_after import score_again  # isort: skip  (found through laboratory)
from tests.widgets.fake_bad import REASON, TEXTS, bad_step  # isort: skip

pytestmark = MARKS
NUMBER = {name: number for number, name in enumerate([*TEXTS, "cut"])}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    run = make_run(tmp_path_factory.mktemp("bad") / "fake", Shape(steps=2, problems=3, rollouts=2))
    return open_run(score_again(bad_step(run, 2), 2, groups=3))


@pytest.fixture(params=["light", "dark"])
def page(browser, run, tmp_path, request):
    """The step as the report shows it."""
    page = browser.new_page(viewport={"width": 1180, "height": 1400}, color_scheme=request.param)
    watch = Watch()
    watch.listen(page)
    page.goto(write_report(run, tmp_path / "report.html", steps=[2]).as_uri())
    page.wait_for_selector(".wb-tokens .wb-token")
    yield page
    assert page.evaluate("() => globalThis.hacked") is None
    assert page.locator("#tokens script, #tokens img").count() == 0
    page.close()
    watch.check()


def text_of(page, name):
    """What is read of a rollout; it is scrolled to first."""
    page.focus(".wb-rollouts >> nth=0")
    page.keyboard.press("Home")
    rollout = page.locator(f"#tokens .wb-rollouts [data-rollout='{NUMBER[name]}']")
    rollout.scroll_into_view_if_needed()
    expect(rollout.locator(".wb-token").first).to_be_attached()
    return rollout.locator(".wb-tokens").inner_text()


def test_what_cannot_be_seen_is_shown_and_what_commands_is_not_obeyed(page, pictures, request):
    page.screenshot(path=pictures / f"bad_{request.node.callspec.id}.png")
    assert "👩⟨U+200D⟩👩" in text_of(page, "bytes")  # each on the last of its four tokens
    assert text_of(page, "cut").startswith("⟨E2")
    assert "⟨07⟩ null ⟨00⟩ escape ⟨1B⟩[31m" in text_of(page, "control")
    assert "<script>globalThis" in text_of(page, "markup")
    for words in (page.inner_text(".wb-groups"), page.inner_text(".wb-rollout .wb-foot >> nth=0")):
        assert "\u202e" not in words
        assert "⟨U+202E⟩turned" in words
    assert "<script>p</script>" in page.inner_text(".wb-key")
    assert f"… ({len(REASON) + len('⟨U+202E⟩') - 1} characters)" in page.inner_text(".wb-rollout .wb-foot >> nth=0")


def test_a_line_without_end_and_a_token_without_end_stay_inside(page):
    for name in ("endless", "whole"):
        text_of(page, name)
    sheet = page.locator(".wb-rollouts").first
    assert sheet.evaluate("(each) => each.scrollWidth <= each.clientWidth")
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    assert page.locator("#tokens .wb-token").count() < 3_000  # only what is in sight is in the page


def test_empty_rollouts_and_one_alone_are_told_in_words_and_keys_pass_over_them(page):
    assert "empty: no token was sampled" in page.inner_text(f"[data-rollout='{NUMBER['empty']}']")
    page.locator(".wb-group").nth(2).click()
    expect(page.locator(".wb-foot", has_text="empty: no token was sampled")).to_have_count(2)
    expect(page.locator(".wb-badge", has_text="removed by a filter")).to_have_count(0)
    page.focus(".wb-rollouts >> nth=0")
    for key in ("ArrowRight", "ArrowDown", "]", "u", "m", "w", "End"):
        page.keyboard.press(key)
    expect(page.locator(".wb-step-words").first).to_contain_text("scored again after the update; this one was not")
    assert page.evaluate("() => document.activeElement.matches('.wb-step')")  # the keys are not lost
    page.keyboard.press("w")
    page.locator(".wb-group").nth(1).click()
    expect(page.locator("[data-rollout]")).to_have_count(1)
    page.focus(".wb-rollouts >> nth=0")
    page.keyboard.press("c")
    expect(page.locator(".wb-notice")).to_contain_text("a single rollout: there is none to compare with")


def test_what_the_step_did_to_such_tokens(page):
    page.focus(".wb-rollouts >> nth=0")
    page.keyboard.press("w")
    expect(page.locator(".wb-step-table tbody tr")).to_have_count(len(NUMBER) - 1)  # an empty one has no tokens
    page.keyboard.press("ArrowRight")
    expect(page.locator(".wb-step-readout")).to_contain_text(
        re.compile(r"rollout #\d+, token \d+ · gradient weight \S+ · Δ log-prob \S+ .* sign$")
    )
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


def test_a_saved_picture_of_such_rollouts_is_small_and_has_no_markup_of_theirs(run):
    picture = snapshot(RunData(run), {"step": 2})
    assert len(picture) < 120_000
    assert "<script" not in picture
    assert "<img" not in picture
    assert "\u202e" not in picture
    assert "\x07" not in picture
    assert "⟨U+202E⟩" in picture
