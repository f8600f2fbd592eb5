"""The token view where there is little room, and the card of a pinned token: nothing is cut, no text moves."""

import pytest
from playwright.sync_api import expect

from tests.browser.laboratory import MARKS
from tests.browser.token_page import make_group, press, sentence, token_pages

pytestmark = MARKS


@pytest.fixture
def show(browser, tmp_path):
    with token_pages(browser, tmp_path) as open_page:
        yield open_page


# ------------------------------------------------------------------------------------------- narrow views


@pytest.mark.parametrize("width", [500, 700])
def test_in_a_narrow_view_several_problems_are_in_sight_and_no_control_is_cut(show, width, pictures):
    groups = [make_group([sentence()] * 2, group=number, problem=name) for number, name in enumerate("pqrst")]
    page = show(groups)
    page.set_viewport_size({"width": width, "height": 900})
    page.wait_for_timeout(300)  # the lines are laid anew
    page.screenshot(path=pictures / f"narrow_{width}.png")
    boxes = [each.bounding_box() for each in page.locator(".wb-group").all()]
    assert sum(box["x"] + box["width"] <= width for box in boxes) >= width // 250
    for control in page.locator(".wb-toolbar :is(button, select, input):visible").all():
        box = control.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    first = page.locator(".wb-rollouts .wb-token").first.bounding_box()
    assert first["y"] < 900, "text begins in the first window"


# ------------------------------------------------------------------------------------------- the pinned card


@pytest.mark.parametrize("width", [700, 950, 1180])
def test_in_a_narrow_view_a_click_moves_no_text_and_its_card_is_in_sight(show, width, pictures):
    page = show([make_group([sentence()] * 12)])
    page.set_viewport_size({"width": width, "height": 800})
    page.wait_for_timeout(300)  # the lines are laid anew
    token = page.locator('[data-rollout="2"] .wb-token[data-at="4"]')
    token.scroll_into_view_if_needed()
    before = token.bounding_box()
    token.click()
    expect(page.locator(".wb-dock .wb-card")).to_be_visible()
    assert token.bounding_box() == before
    card = page.locator(".wb-dock").bounding_box()
    assert card["y"] >= 0
    assert card["y"] + card["height"] <= 800
    assert card["y"] >= before["y"] + before["height"] or card["y"] + card["height"] <= before["y"]
    page.screenshot(path=pictures / f"pinned_{width}.png")
    page.keyboard.press("Escape")
    expect(page.locator(".wb-dock")).to_be_hidden()


def test_the_card_goes_with_its_token_and_out_of_sight_with_it(show):
    page = show([make_group([sentence()] * 30)])
    page.click('[data-rollout="1"] .wb-token[data-at="4"]')
    top = page.locator(".wb-dock").bounding_box()["y"]
    page.evaluate("() => { document.querySelector('.wb-rollouts').scrollTop += 40; }")
    moved = "(top) => document.querySelector('.wb-dock').getBoundingClientRect().top < top - 30"
    page.wait_for_function(moved, arg=top)
    page.evaluate("() => { document.querySelector('.wb-rollouts').scrollTop += 900; }")
    expect(page.locator(".wb-dock")).to_be_hidden()
    page.evaluate("() => { document.querySelector('.wb-rollouts').scrollTop = 0; }")
    expect(page.locator(".wb-dock")).to_be_visible()


def test_in_a_wide_view_the_card_has_a_column(show):
    page = show([make_group([sentence()] * 2)])
    page.set_viewport_size({"width": 1400, "height": 800})
    page.click('[data-rollout="0"] .wb-token[data-at="2"]')
    assert page.locator(".wb-body.wb-docked").count() == 1
    page.set_viewport_size({"width": 900, "height": 800})
    expect(page.locator(".wb-dock:popover-open")).to_be_visible()
    page.set_viewport_size({"width": 1400, "height": 800})
    expect(page.locator(".wb-dock:not(:popover-open)")).to_be_visible()


def test_the_pinned_card_goes_with_the_arrow_keys_and_not_into_another_problem(show):
    page = show([make_group([sentence()] * 2), make_group([sentence()] * 2, group=1, problem="q")])
    press(page, "ArrowRight", "ArrowRight", "Enter")
    expect(page.locator(".wb-dock .wb-card")).to_contain_text("token 3 of")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".wb-dock .wb-card")).to_contain_text("token 4 of")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".wb-dock .wb-card")).to_contain_text("token 5 of")
    page.click(".wb-group >> nth=1")
    expect(page.locator(".wb-dock")).to_be_hidden()
