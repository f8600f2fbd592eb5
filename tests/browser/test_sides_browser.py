"""Lenses of other methods, comparisons, branches: the token view in a real Chromium, and a real run in JupyterLab."""

import pytest
from playwright.sync_api import expect

from tests.browser.laboratory import MARKS, Watch, laboratory, write_notebook
from tests.browser.token_page import make_group, press, sentence, token_pages
from workbench import launch
from workbench.runs.demo import demo_config

pytestmark = MARKS


@pytest.fixture
def show(browser, tmp_path):
    with token_pages(browser, tmp_path) as open_page:
        yield open_page


METHODS = """methods: async () => [{ key: "gspo", title: "GSPO", changes: "one ratio per rollout" },
    { key: "vimpo", title: "VIMPO", changes: "a value" }],
  lens: async (step, group, key) => {
    if (key === "vimpo") throw new Error("signal value was not recorded");
    return { columns: { lens: new Float32Array(groups[0].columns.tokens.length).fill(-0.5) } };
  },"""


def test_the_lens_of_any_method_is_asked_for_when_it_is_wanted(show):
    page = show([make_group([sentence()] * 2)], source=METHODS)
    choose = 'select[aria-label="more signals"]'
    page.select_option(choose, "lens:")
    page.fill(".wb-picker-box", "ratio per")
    page.keyboard.press("Enter")
    expect(page.locator(".wb-tokens .wb-down").first).to_be_visible()
    assert page.locator(".wb-tokens .wb-up").count() == 0
    assert page.locator(f"{choose} >> option:checked").inner_text() == "lens of GSPO"
    page.select_option(choose, "lens:")
    page.click('.wb-picker-list button:has-text("VIMPO")')
    expect(page.locator(".wb-notice")).to_contain_text("signal value was not recorded")


# ------------------------------------------------------------------------------------------- side by side


def test_two_rollouts_side_by_side_show_where_they_part(show, pictures):
    page = show([make_group([sentence(), [*sentence()[:9], 2, 3, 16]])])
    press(page, "c")
    assert page.locator(".wb-side").count() == 2
    assert page.locator(".wb-parting").count() == 2
    assert page.locator(".wb-parting").first.get_attribute("data-at") == "9"
    assert "the first 9 tokens are identical" in page.inner_text(".wb-compare")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("o")
    assert page.locator(".wb-side >> nth=1").locator(".wb-at").get_attribute("data-at") == "1"
    page.screenshot(path=pictures / "tokens_compare.png")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    assert page.locator(".wb-side").count() == 0
    expect(page.locator(".wb-rollouts")).to_be_focused()


def test_two_signals_and_two_steps_side_by_side(show):
    other_problem = make_group([sentence()] * 2, step=3, problem="q")
    page = show([make_group([sentence()] * 2), make_group([sentence(1, 2)] * 2, step=2), other_problem])
    page.evaluate("() => view.showStep(2)")
    expect(page.locator(".wb-toolbar select").first).to_have_value("2")
    press(page, "c")
    right = page.locator(".wb-side >> nth=1")
    right.locator('select[aria-label="signal of this side"]').select_option("entropy")
    expect(right.locator(".wb-amount").first).to_be_visible()
    assert page.locator(".wb-side >> nth=0").locator(".wb-amount").count() == 0
    right.locator('select[aria-label="step of this side"]').select_option("1")
    expect(page.locator(".wb-compare")).to_contain_text("the first 16 tokens are identical (of 19 and 17)")
    right.locator('select[aria-label="step of this side"]').select_option("3")
    expect(page.locator(".wb-notice")).to_contain_text("p was not sampled at step 3")


def test_two_methods_side_by_side(show):
    page = show([make_group([sentence()] * 2)], source=METHODS)
    press(page, "c")
    right = page.locator(".wb-side >> nth=1")
    right.locator('select[aria-label="rollout of this side"]').select_option("0")
    expect(page.locator(".wb-compare")).to_contain_text("the same rollout on both sides")
    right.locator('select[aria-label="signal of this side"]').select_option("lens:")
    page.click('.wb-picker-list button:has-text("GSPO")')
    expect(right.locator(".wb-down").first).to_be_visible()
    assert right.locator(".wb-up").count() == 0
    assert page.locator(".wb-side >> nth=0").locator(".wb-up").count() > 0
    assert page.get_attribute('[data-signal="advantage"]', "aria-pressed") == "true"


BRANCH = """branch: async ({ step, rollout, at, token, n }) => {
    if (token === 3) throw new Error("no checkpoint is kept");
    globalThis.asked = { step, rollout, at, token, n };
    return { ...groups[0], kind: "branch", source: "by the policy after step 0" };
  },"""


def test_another_token_is_branched_to_and_failure_is_said(show):
    page = show([make_group([sentence()] * 4)], source=BRANCH)
    press(page, "ArrowRight", "ArrowRight", "Enter")
    expect(page.locator(".wb-dock .wb-top >> nth=1")).to_be_focused()
    page.click(".wb-dock .wb-top >> nth=4")
    expect(page.locator(".wb-dock")).to_contain_text("branch failed: no checkpoint is kept")
    page.click(".wb-dock .wb-top >> nth=2")
    expect(page.locator(".wb-side >> nth=1")).to_contain_text("by the policy after step 0")
    assert page.evaluate("() => asked") == {"step": 1, "rollout": 0, "at": 2, "token": 1, "n": 4}
    assert page.locator(".wb-side >> nth=1 >> .wb-rollout").count() == 4


def test_without_a_kernel_there_is_no_branch_and_no_method_to_ask(show):
    page = show([make_group([sentence()] * 2)])
    page.locator(".wb-tokens .wb-token").first.click()
    assert page.locator(".wb-dock .wb-top").count() == 5
    assert page.locator(".wb-dock button.wb-top").count() == 0
    assert "lens of a method" not in page.inner_text('select[aria-label="more signals"]')


# ------------------------------------------------------------------------------------------- a real run


def test_lens_and_branch_of_a_real_run_in_jupyterlab(browser, tmp_path, pictures):
    rollouts = {"problems": 2, "rollouts": 4, "max_tokens": 48}
    training = {"steps": 2, "target_accuracy": None}
    config = demo_config().replace(name="real", rollouts=rollouts, training=training, evaluation={"problems": 0})
    launch(config, tmp_path / "runs").wait(300)
    page = browser.new_page(viewport={"width": 1400, "height": 1100})
    watch = Watch()
    watch.listen(page)
    with laboratory(tmp_path) as lab:
        lab.open(page, write_notebook(tmp_path / "real.ipynb", ["from widgets import Tokens; Tokens('runs/real')"]))
        page.wait_for_selector(".wb-tokens .wb-token", timeout=90_000)
        page.select_option('select[aria-label="more signals"]', "lens:")
        page.click('.wb-picker-list button:has-text("GSPO") >> nth=0', timeout=90_000)
        expect(page.locator('select[aria-label="more signals"]')).to_have_value("lens:gspo", timeout=60_000)
        page.locator(".wb-tokens .wb-token").nth(3).click()
        page.locator(".wb-dock button.wb-top").first.click()
        expect(page.locator(".wb-side >> nth=1 >> .wb-rollout")).to_have_count(4, timeout=240_000)
        page.screenshot(path=pictures / "tokens_branch.png")
        page.close()
    watch.check()
