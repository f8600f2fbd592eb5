"""The token view in a real Chromium: long rollouts, hostile text, units of text, what is said to be missing."""

import json
import re

import pytest
from playwright.sync_api import expect

from tests.browser.laboratory import MARKS
from tests.browser.token_page import VOCABULARY, WORDS, make_group, press, sentence, token_pages

pytestmark = MARKS
LONG = 1_600  # tokens of a rollout; 63 of them are 100,000


@pytest.fixture
def show(browser, tmp_path):
    with token_pages(browser, tmp_path) as open_page:
        yield open_page


# ------------------------------------------------------------------------------------------- long rollouts


@pytest.fixture
def long_page(show):
    rollouts = [[(7 * place + number) % 16 for place in range(LONG)] for number in range(63)]
    rollouts[40][1_500] = 17
    return show([make_group(rollouts)])


def test_of_100_000_tokens_only_those_in_sight_are_in_the_page(long_page, pictures):
    count = "() => document.querySelectorAll('.wb-token').length"
    assert long_page.evaluate("() => view.group.columns.tokens.length") >= 100_000
    first = long_page.inner_text(".wb-tokens >> nth=0")
    assert 200 < long_page.evaluate(count) < 4_000
    long_page.evaluate(
        "() => { const list = document.querySelector('.wb-rollouts'); list.scrollTop = list.scrollHeight / 2; }"
    )
    expect(long_page.locator('[data-rollout="31"] .wb-token').first).to_be_attached()
    assert long_page.evaluate(count) < 4_000
    assert long_page.locator('[data-rollout="0"] .wb-token').count() == 0
    assert long_page.is_visible(".wb-minimap canvas")
    long_page.screenshot(path=pictures / "tokens_100000.png")
    press(long_page, "Home")
    assert long_page.inner_text(".wb-tokens >> nth=0") == first


def test_what_is_out_of_sight_is_found_and_reached(long_page):
    long_page.fill(".wb-find", "needle")
    expect(long_page.locator(".wb-count")).to_have_text("1 found")
    long_page.press(".wb-find", "Enter")
    expect(long_page.locator(".wb-at")).to_have_text(" needle")
    assert long_page.locator('[data-rollout="40"] .wb-hit').count() == 1
    long_page.click(".wb-at")
    assert "token 1501 of 1600" in long_page.inner_text(".wb-dock")


def test_keys_walk_through_a_long_rollout(long_page):
    press(long_page, "End")
    assert long_page.get_attribute(".wb-at", "data-at") == str(LONG - 1)
    long_page.keyboard.press("ArrowRight")
    assert long_page.locator('[data-rollout="1"] .wb-at').get_attribute("data-at") == "0"
    for _ in range(3):
        long_page.keyboard.press("PageDown")
    place = int(long_page.get_attribute(".wb-at", "data-at"))
    assert place > 400
    long_page.keyboard.press("ArrowUp")
    assert int(long_page.get_attribute(".wb-at", "data-at")) < place
    assert long_page.locator(".wb-at").is_visible()


def test_rollouts_without_tokens_are_passed_over_and_none_at_all_is_no_error(show):
    page = show([make_group([sentence(), [], sentence()])])
    press(page, "End", "ArrowRight")
    assert page.locator('[data-rollout="2"] .wb-at').count() == 1
    press(page, "[")
    assert page.locator('[data-rollout="0"] .wb-at').count() == 1
    page.evaluate("() => { view.board.rollouts = () => []; view.arrange(); }")
    press(page, "ArrowRight", "End", "]", "Enter", "u", "m")
    assert page.locator(".wb-tokens").count() == 0
    assert page.is_hidden(".wb-minimap")


def test_a_place_in_the_minimap_is_gone_to(long_page):
    minimap = long_page.locator(".wb-minimap")
    minimap.click(position={"x": 5, "y": minimap.bounding_box()["height"] - 4})
    expect(long_page.locator('[data-rollout="62"] .wb-token').first).to_be_attached()


def test_lines_are_laid_anew_in_a_narrower_window(show):
    page = show([make_group([sentence(*range(12), *range(12))] * 2)])
    height = "() => document.querySelector('.wb-tokens').clientHeight"
    before = page.evaluate(height)
    page.set_viewport_size({"width": 340, "height": 900})
    page.wait_for_function(f"({height})() > {before}")
    overflow = "() => [...document.querySelectorAll('.wb-row')].some((row) => row.scrollWidth > row.clientWidth + 1)"
    assert not page.evaluate(overflow)


# ------------------------------------------------------------------------------------------- any text


HOSTILE = {
    **VOCABULARY,
    20: ["<script>globalThis.hacked = 1</script>", 0],
    21: ["<img src=x onerror='globalThis.hacked = 2'>", 0],
    22: [" שלום", 0], 23: [" عالم", 0], 24: ["\u202egnp", 0], 25: ["\x00\x1b[31m", 0],
    26: ["⟨E2 82⟩", 0, "e2 82"], 27: ["⟨AC⟩", 0, "ac"], 28: ["⟨FF⟩", 0, "ff"], 29: ["", 0], 30: ["\t", 0],
}  # fmt: skip


def test_text_of_a_model_is_text_whatever_it_says(show, pictures):
    page = show([make_group([[20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 99, 16]] * 2)], HOSTILE)
    text = page.inner_text(".wb-tokens >> nth=0")
    assert "<script>" in text
    assert page.evaluate("() => globalThis.hacked") is None
    assert page.locator(".wb-tokens script, .wb-tokens img").count() == 0
    assert "⟨U+202E⟩gnp" in text
    assert "⟨00⟩⟨1B⟩[31m" in text
    assert "שלום" in text
    assert "€⟨FF⟩" in text
    assert page.get_attribute('[data-rollout="0"] .wb-token[data-at="6"]', "data-mark") == "·"
    page.hover('[data-rollout="0"] .wb-token[data-at="6"]')
    assert 'bytes E2 82, of "€"' in page.inner_text(".wb-float")
    page.hover('.wb-token:text-is("€") >> nth=0')
    assert 'bytes AC, of "€"' in page.inner_text(".wb-float")
    page.hover('.wb-token:text-is("⟨FF⟩")')
    assert "not valid UTF-8" in page.inner_text(".wb-float")
    page.screenshot(path=pictures / "tokens_hostile.png")
    press(page, "u")
    assert "€⟨FF⟩" in page.inner_text(".wb-tokens >> nth=0")


def test_what_is_copied_is_what_was_written(show):
    page = show([make_group([[*sentence(), *sentence(), 26, 27]] * 2)], HOSTILE)
    copied = page.evaluate("""() => {
      const spans = document.querySelectorAll('[data-rollout="0"] .wb-token');
      getSelection().setBaseAndExtent(spans[0].firstChild, 0, spans[spans.length - 1].firstChild, 1);
      const event = new ClipboardEvent("copy", { clipboardData: new DataTransfer(), bubbles: true, cancelable: true });
      spans[0].dispatchEvent(event);
      return event.clipboardData.getData("text/plain");
    }""")
    assert copied == ("".join(WORDS) + "<|end|>") * 2 + "€"


# ------------------------------------------------------------------------------------------- signals and units


def test_a_word_has_one_colour_and_its_card_names_its_tokens(show, pictures):
    page = show([make_group([sentence()] * 2)])
    press(page, "u")
    expect(page.locator(".wb-legend")).to_contain_text("mean per word")
    two, three = (page.locator(f'[data-rollout="0"] .wb-token[data-at="{at}"]') for at in (3, 4))
    colour = re.compile(r"wb-(up|down|zero|l\d+)")
    assert sorted(colour.findall(two.get_attribute("class"))) == sorted(colour.findall(three.get_attribute("class")))
    two.hover()
    card = page.locator(".wb-float")
    expect(card).to_contain_text("word of 2 tokens")
    assert card.locator(".wb-unit-row").count() == 2
    page.screenshot(path=pictures / "tokens_words.png")
    page.locator('.wb-toolbar [data-signal="lens"]').click()
    expect(page.locator(".wb-legend")).to_contain_text("sum per word")
    press(page, "Home", "ArrowRight", "ArrowRight", "ArrowRight", "ArrowRight")
    assert page.get_attribute(".wb-at", "data-at") == "5"  # the two tokens of a word are one step


def test_what_was_not_recorded_is_said(show):
    page = show([make_group([sentence()] * 2)])
    assert page.is_disabled('[data-signal="ratio"]')
    assert "not recorded" in page.get_attribute('[data-signal="ratio"]', "title")
    assert "KL to reference (not recorded)" in page.inner_text('select[aria-label="more signals"]')
    page.locator(".wb-tokens .wb-token").first.hover()
    assert "not recorded: zero gradient, KL to reference" in page.inner_text(".wb-float")


def test_the_effect_is_offered_only_where_it_was_recorded_and_the_reason_is_told(show):
    page = show([make_group([sentence()] * 2)])
    assert page.is_enabled("button:text-is('effect')")
    page.evaluate("() => { view.boardShown.effect = false; view.paint(); }")
    assert page.is_disabled("button:text-is('effect')")
    assert "record.after" in page.get_attribute("button:text-is('effect')", "title")
    press(page, "w")
    expect(page.locator(".wb-notice")).to_contain_text("set record.after in the config")
    assert page.locator(".wb-step").count() == 0


def test_tokens_that_were_not_trained_are_marked_and_have_no_push(show):
    group = make_group([sentence()] * 2)
    group["columns"]["trained"][2] = 0
    page = show([group])
    classes = page.get_attribute('[data-rollout="0"] .wb-token[data-at="2"]', "class")
    assert "wb-untrained" in classes
    assert not re.search(r"wb-(up|down|missing)", classes)


def test_a_group_that_cannot_be_read_is_said_and_others_still_open(show):
    broken = """get group() { return async (step, number) => {
      if (number === 1) throw new Error("the file ends too early");
      return groups.find((group) => group.group === number);
    }; },"""
    groups = [make_group([sentence()] * 2, group=number, problem=name) for number, name in enumerate("pqr")]
    page = show(groups, source=broken)
    page.click(".wb-group >> nth=1")
    expect(page.locator(".wb-note")).to_have_text("Problem 1 of step 1 cannot be shown: the file ends too early")
    page.click(".wb-group >> nth=2")
    expect(page.locator(".wb-tokens .wb-token").first).to_be_visible()
    assert page.locator(".wb-note").count() == 0


def test_a_locked_scale_stays_from_group_to_group(show):
    louder = make_group([sentence()] * 2, group=1, problem="q")
    louder["columns"]["advantage"] = [9 * value for value in louder["columns"]["advantage"]]
    page = show([make_group([sentence()] * 2), louder])
    press(page, "l", "Shift+ArrowDown")
    limits = page.inner_text(".wb-legend")
    assert "locked" in limits
    press(page, "l")
    expect(page.locator(".wb-legend")).not_to_have_text(limits)


def test_the_help_sheet_names_every_key_that_does_something(show):
    page = show([make_group([sentence()] * 2)])
    press(page, "?")
    told = json.dumps(page.locator(".wb-help kbd").all_inner_texts())
    keys = page.evaluate("() => Object.keys(view.walker.actions())")
    signs = {
        "ArrowRight": "→",
        "ArrowLeft": "←",
        "ArrowDown": "↓",
        "ArrowUp": "↑",
        "Escape": "Esc",
        "PageDown": "PgDn",
        "PageUp": "PgUp",
        "ShiftArrowDown": "⇧↓",
        "ShiftArrowUp": "⇧↑",
    }
    spelled_out = {"n", "p", "N", "P"}  # verl's letters stand in the words beside the keys
    assert [key for key in keys if key not in spelled_out and json.dumps(signs.get(key, key)) not in told] == []


def test_a_search_over_the_step_leads_to_the_rollout_in_another_problem(show, pictures):
    source = """find: async (text, step) => ({ counts: { correct: 1, incorrect: 0 }, rollouts: step === null ? 40 : 4,
      unreadable: [],
      hits: [{ step: 1, group: 1, rollout: 1, grade: "correct", excerpt: ["<b>one is 13", " needle", "."] }] }),"""
    groups = [make_group([sentence()] * 2), make_group([sentence(), sentence(17)], group=1, problem="q")]
    page = show(groups, source=source)
    assert page.is_hidden("button:text-is('everywhere')")
    page.fill(".wb-find", "needle")
    expect(page.locator(".wb-count")).to_have_text("0 found")
    page.click("button:text-is('everywhere')")
    sheet = page.locator(".wb-picker")
    expect(sheet.locator("[role=status]")).to_have_text("1 of 4 rollouts: 1 correct")
    page.click("button:text-is('all steps')")
    expect(sheet.locator("[role=status]")).to_have_text("1 of 40 rollouts: 1 correct")
    page.screenshot(path=pictures / "search.png")
    sheet.locator(".wb-picker-list button").click()
    expect(page.locator(".wb-at")).to_have_text(" needle")
    expect(sheet).to_have_count(0)
