"""The playground in a real JupyterLab: methods side by side, sliders, rewards, and a method written in a cell."""

import pytest
from playwright.sync_api import expect

from tests.browser.laboratory import MARKS, Watch, write_notebook

pytestmark = MARKS
PATIENCE = 60_000  # milliseconds
FIRST, SECOND, THIRD, FOURTH = (f'section[data-method="{number}"]' for number in (1, 2, 3, 4))
OPEN = "from widgets import Playground\nplay = Playground('runs/fake', step=5)\nplay"
METHOD = """from workbench.cells import method
from workbench.ops import spread
from workbench.types import Batch, PerToken


@method("shy", changes="a fifth of the reward", equation=r"A_i=\\tfrac15R_i")
def advantage(batch: Batch, part: float = 0.2) -> PerToken:
    return spread(part * batch.reward, batch.mask)
"""


@pytest.fixture
def page(browser):
    opened = browser.new_page(viewport={"width": 1440, "height": 1300})
    watch = Watch()
    watch.listen(opened)
    yield opened
    opened.close()
    watch.check()


def show(page, lab, name, *cells, dark=False):
    """Runs the cells, and waits for coloured tokens in two columns."""
    lab.open(page, write_notebook(lab.folder / f"{name}.ipynb", cells), dark=dark)
    for column in (FIRST, SECOND):
        page.wait_for_selector(f"{column} .wb-tokens .wb-up, {column} .wb-tokens .wb-down", timeout=PATIENCE)


def slide(page, selector, value):
    """Drags a slider there: as a hand does, it is heard while it moves and when it is let go."""
    page.locator(selector).evaluate(
        "(slider, value) => { slider.value = value; for (const name of ['input', 'change']) "
        "slider.dispatchEvent(new Event(name, { bubbles: true })); }",
        str(value),
    )


def classes(page, column):
    """The classes of the first tokens of a column, for comparing colours."""
    return page.locator(f"{column} .wb-token").evaluate_all("(all) => all.slice(0, 60).map((each) => each.className)")


def test_a_clip_slider_and_a_reward_move_the_pushes(page, lab, pictures):
    show(page, lab, "moves", OPEN)
    expect(page.locator(f"{FIRST} .wp-pick")).to_contain_text("GRPO")
    expect(page.locator(f"{SECOND} .wp-pick")).to_contain_text("GSPO")
    page.screenshot(path=pictures / "playground.png")
    before = classes(page, SECOND)
    first = classes(page, FIRST)
    pushed = page.locator('tr[data-method="2"] td').nth(1)
    was = pushed.inner_text()
    slide(page, f'{SECOND} [data-field="surrogate.low"] input[type=range]', 200)
    slide(page, f'{SECOND} [data-field="surrogate.high"] input[type=range]', 200)
    expect(pushed).not_to_have_text(was, timeout=PATIENCE)
    assert classes(page, SECOND) != before
    page.screenshot(path=pictures / "playground_clip.png")
    expect(page.locator('tr[data-method="2"] th')).to_contain_text("low")
    advantages = page.locator('tr[data-method="1"] td')
    before = advantages.all_inner_texts()
    slide(page, ".wp-rewards td[data-rollout] >> nth=0 >> input[type=range]", 0.35)
    expect(advantages.nth(4)).not_to_have_text(before[4], timeout=PATIENCE)
    assert classes(page, FIRST) != first
    page.screenshot(path=pictures / "playground_reward.png")
    page.click("text=reset rewards")
    expect(advantages.nth(4)).to_have_text(before[4], timeout=PATIENCE)


def test_a_method_written_in_a_cell_is_in_the_menu_and_one_that_fails_says_why(page, lab, pictures):
    show(page, lab, "cells", OPEN)
    page.click(".jp-Notebook .jp-CodeCell >> nth=0 >> .cm-content")
    page.keyboard.press("Escape")
    page.keyboard.press("b")
    page.keyboard.press("Enter")
    page.keyboard.insert_text(METHOD)
    page.keyboard.press("Shift+Enter")
    expect(page.locator(".jp-InputPrompt").nth(1)).to_have_text("[2]:", timeout=PATIENCE)
    page.click(".wp-add")
    page.fill(".wb-picker-box", "shy")
    expect(page.locator(".wb-picker-list button")).to_have_count(1, timeout=PATIENCE)
    page.screenshot(path=pictures / "playground_menu.png")
    page.keyboard.press("Enter")
    expect(page.locator(".wb-picker")).to_have_count(0)
    page.wait_for_selector(f"{THIRD} .wb-tokens .wb-up", timeout=PATIENCE)
    expect(page.locator(f"{THIRD} .wp-changes")).to_contain_text("a fifth of the reward")
    expect(page.locator(f"{THIRD} .wp-field").first).to_contain_text("part")
    page.click(".wp-add")
    page.fill(".wb-picker-box", "grpo_paper")
    page.click(".wb-picker-list button")
    trouble = page.locator(f"{FOURTH} .wp-error")
    expect(trouble).to_contain_text("ref_logprob", timeout=PATIENCE)
    assert page.locator(f"{THIRD} .wb-tokens .wb-up").count()
    page.screenshot(path=pictures / "playground_four.png")


def test_by_key_in_the_dark(page, lab, pictures):
    page.emulate_media(reduced_motion="reduce")
    show(page, lab, "keys", OPEN, dark=True)
    page.focus(f"{FIRST} .wb-rollouts")
    for key in ("ArrowRight", "ArrowRight", "]"):
        page.keyboard.press(key)
    expect(page.locator(f"{FIRST} [data-rollout] .wb-at")).to_have_count(1)
    at = [page.locator(f"{column} .wb-at").get_attribute("data-at") for column in (FIRST, SECOND)]
    assert at == ["0", "0"]
    expect(page.locator(f"{SECOND} .wp-readout")).to_contain_text("× method 1")
    expect(page.locator(".wp [aria-live=polite]")).to_contain_text("GRPO: gradient weight")
    page.keyboard.press("o")
    assert page.locator(f"{SECOND} .wb-rollouts").evaluate("(list) => list === document.activeElement")
    page.keyboard.press("d")
    expect(page.locator('[data-mode="difference"]')).to_have_attribute("aria-pressed", "true")
    page.screenshot(path=pictures / "playground_dark.png")
    page.keyboard.press("{")
    expect(page.locator("select[aria-label=step]")).to_have_value("4", timeout=PATIENCE)
    assert page.locator(".jp-Cell").count() == 1  # no key reached the notebook


def test_another_piece_is_chosen_by_key_and_its_fields_take_the_place_of_the_old(page, lab, pictures):
    cell = "import widgets; widgets.Playground('runs/fake', step=5, methods=['grpo', 'temporal_schedule'])"
    show(page, lab, "pieces", cell)
    for column in (FIRST, SECOND):
        page.locator(f"{column} .wp-about summary").click()
    menu = page.locator(f'{FIRST} [data-field="surrogate"] select')
    menu.focus()
    page.keyboard.type("cispo")
    expect(page.locator(f'{FIRST} [data-field="surrogate.absolute"]')).to_have_count(1, timeout=PATIENCE)
    expect(page.locator('tr[data-method="1"] th')).to_contain_text("cispo")
    assert menu.evaluate("(menu) => menu === document.activeElement")  # the keys stay where they were
    end = page.locator(f'{SECOND} [data-field="reduction.left_out.end"] .wp-box')
    before = classes(page, SECOND)
    end.fill("1")
    page.keyboard.press("Tab")
    expect(page.locator(f"{SECOND} .wb-token").first).not_to_have_class(before[0], timeout=PATIENCE)
    end.fill("much")
    page.keyboard.press("Tab")
    expect(page.locator(f"{SECOND} .wp-error")).to_contain_text("end", timeout=PATIENCE)
    page.screenshot(path=pictures / "playground_pieces.png")
    page.locator(f"{SECOND} button", has_text="reset").click()
    expect(page.locator(f"{SECOND} .wp-error")).to_be_hidden(timeout=PATIENCE)
