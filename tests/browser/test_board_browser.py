"""The group board in a real JupyterLab by keys alone; over the steps of a run; with hostile text; in a report."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.laboratory import MARKS, Shape, Watch, laboratory, make_run, write_notebook
from tests.browser.token_page import VOCABULARY, make_group, sentence, token_pages
from widgets.report.report import write_report
from workbench.runs.open import open_run

from tests.widgets.fake_probes import add_probes  # isort: skip  (found through laboratory)

pytestmark = MARKS
SHAPE = Shape(steps=8, problems=4, rollouts=16)
HELD = "() => document.activeElement.matches({!r})"


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lab")
    add_probes(make_run(folder / "runs" / "fake", SHAPE), SHAPE)
    write_notebook(folder / "board.ipynb", ["from widgets import Tokens; Tokens('runs/fake')"])
    with laboratory(folder) as running:
        yield running


@pytest.fixture
def board(browser, lab, request):
    """The tokens of the run in JupyterLab; dark where the test says so."""
    page = browser.new_page(viewport={"width": 1500, "height": 1300})
    watch = Watch()
    watch.listen(page)
    lab.open(page, lab.folder / "board.ipynb", dark=getattr(request, "param", "light") == "dark")
    page.wait_for_selector(".wb-cell", timeout=120_000)
    yield page
    page.close()
    watch.check()


@pytest.fixture
def show(browser, tmp_path):
    with token_pages(browser, tmp_path) as open_page:
        yield open_page


def tab_to(page, selector):
    """Presses Tab until the focus is at the element."""
    for _ in range(60):
        if page.evaluate(HELD.format(selector)):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not reach {selector}")


def shown(page):
    return page.locator(".wb-rollouts .wb-rollout").count()


def test_keys_alone_go_from_the_histogram_to_the_tree_to_a_tokens_card(board, pictures):
    page = board
    page.focus(".wb-toolbar select >> nth=0")
    tab_to(page, ".wb-column")
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowRight")  # the last bar again: the highest reward
    page.keyboard.press("Enter")
    wanted = int(re.search(r": (\d+) rollout", page.get_attribute(".wb-column >> nth=-1", "aria-label"))[1])
    expect(page.locator(".wb-column >> nth=-1")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".wb-rollouts .wb-rollout")).to_have_count(wanted)
    assert 0 < wanted < SHAPE.rollouts
    tab_to(page, '[role="treeitem"]')
    for key in ("Home", "ArrowRight", "ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
    chosen = page.locator('[role="treeitem"]:focus')
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Space")
    expect(chosen).to_have_attribute("aria-selected", "true")
    assert 0 < shown(page) <= wanted
    page.screenshot(path=pictures / "board_filtered.png")
    begin = int(re.search(r"from (\d+):", chosen.get_attribute("aria-label"))[1])
    page.keyboard.press("Enter")
    expect(page.locator(".wb-at")).to_have_attribute("data-at", str(begin - 1))
    assert 0 < shown(page) <= wanted  # still filtered
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator(".wb-dock")).to_contain_text(f"token {begin + 1} of ")
    page.screenshot(path=pictures / "board_journey.png")


@pytest.mark.parametrize("board", ["dark"], indirect=True)
def test_a_probe_is_read_at_one_step_and_the_next_and_back(board, pictures):
    page = board
    page.screenshot(path=pictures / "board_dark.png")
    page.focus(".wb-toolbar select >> nth=0")
    tab_to(page, ".wb-cell")
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    badge = page.locator(".wb-bar-line .wb-badge", has_text="tracked problem at step 4")
    badge.wait_for(timeout=30_000)
    assert page.evaluate(HELD.format('.wb-cell[aria-pressed="true"]'))
    assert "held_out/0" in page.inner_text(".wb-caption")
    assert page.is_disabled('[data-signal="advantage"]')
    page.screenshot(path=pictures / "board_probe_dark.png")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.locator(".wb-badge", has_text="tracked problem at step 8").wait_for(timeout=30_000)
    page.select_option('select[aria-label="problem over time"]', "held_out/1")
    expect(page.locator(".wb-cell").first).to_have_attribute("aria-label", re.compile(r"step 4: \d of 16 correct"))
    page.click("text=back to step 8")
    expect(badge).to_have_count(0)
    assert "word_problems/" in page.inner_text(".wb-caption")


# ------------------------------------------------------------------------------------------- one page, without a kernel


def test_partings_from_a_sibling_are_marked_and_gone_to(show):
    page = show([make_group([sentence(), [*range(5), 9, *range(6, 16), 16], [*range(5)], sentence()])])
    page.select_option('select[aria-label="reference for divergence points"]', "0")
    told = page.locator(".wb-parts-at").all_inner_texts()
    assert told == [
        "reference",
        "diverges at token 6: “13”",
        "ends at token 5; the reference continues",
        "identical tokens",
    ]
    assert page.locator('[data-rollout="1"] .wb-parting').get_attribute("data-at") == "5"
    page.click('[data-rollout="1"] .wb-parts-at')
    assert page.locator('[data-rollout="1"] .wb-at').get_attribute("data-at") == "5"
    page.click('[data-rollout="0"] .wb-refer')
    assert page.locator(".wb-parting").count() == 0


def test_partings_are_marked_and_gone_to_by_keys(show):
    page = show([make_group([sentence(), [*range(5), 9, *range(6, 16), 16], sentence()])])
    press = page.keyboard.press
    page.focus(".wb-rollouts")
    press("g")
    assert "press r to set this rollout as the reference" in page.inner_text(".wb-notice")
    press("r")
    assert page.locator(".wb-parts-at").all_inner_texts()[:2] == ["reference", "diverges at token 6: “13”"]
    press("]")
    press("g")
    assert page.locator('[data-rollout="1"] .wb-at').get_attribute("data-at") == "5"
    assert page.evaluate(HELD.format(".wb-rollouts"))
    press("[")
    press("r")
    assert page.locator(".wb-parting").count() == 0


def test_filters_keep_what_they_say_and_one_that_nothing_passes_says_so(show):
    page = show([make_group([sentence(), sentence(17), sentence(), sentence(1)])])
    page.select_option('select[aria-label="rollouts to show"]', "correct")
    assert page.locator("[data-rollout]").evaluate_all("(all) => all.map((each) => each.dataset.rollout)") == ["0", "2"]
    assert page.inner_text(".wb-bar-line [role=status]") == "2 of 4 shown"
    page.fill(".wb-contains", "NEEDLE")
    assert page.inner_text(".wb-bar-line [role=status]") == "no rollout matches: all 4 are shown"
    assert shown(page) == 4
    page.select_option('select[aria-label="rollouts to show"]', "all")
    assert shown(page) == 1
    page.click("text=show all")
    assert shown(page) == 4
    assert page.input_value(".wb-contains") == ""


def test_a_group_without_numbers_is_told_in_words(show):
    group = make_group([sentence()] * 3)
    for rollout in group["rollouts"]:
        rollout |= {"reward": None, "correct": None}
    page = show([group])
    assert "unscored" in page.inner_text(".wb-branch >> nth=0")
    assert page.locator(".wb-history").count() == 0  # nobody to ask
    measures = page.locator('select[aria-label="histogram of"] option').all_inner_texts()
    assert measures == ["length", "mean entropy"]


HOSTILE = {
    **VOCABULARY,
    20: ["<script>globalThis.hacked = 1</script>", 0],
    21: ["<img src=x onerror='globalThis.hacked = 2'>", 0],
    22: [" שלום", 0], 23: ["\u202egnp", 0], 24: ["\x00\x1b[31m", 0],
}  # fmt: skip


def test_text_of_a_model_is_text_on_the_board_too(show):
    page = show([make_group([[20, 22, 23, 16], [20, 21, 16], [20, 24, 16], [21, 16]])], HOSTILE)
    page.select_option('select[aria-label="reference for divergence points"]', "0")
    tree = page.inner_text(".wb-tree")
    assert "<script>globalThis" in tree
    assert "שלום⟨U+202E⟩gnp" in tree
    assert "⟨00⟩⟨1B⟩[31m" in tree
    assert "<img src=x" in page.inner_text('[data-rollout="1"] .wb-parts-at')
    page.fill(".wb-contains", "<img")
    assert shown(page) == 2
    assert page.locator(".wb-board script, .wb-board img, .wb-head img").count() == 0
    assert page.evaluate("() => globalThis.hacked") is None


def test_a_report_has_the_board_without_what_needs_a_kernel(browser, tmp_path, pictures):
    run = open_run(make_run(tmp_path / "fake", Shape(steps=3, problems=2, rollouts=8)))
    page = browser.new_page(viewport={"width": 1280, "height": 1400})
    watch = Watch()
    watch.listen(page)
    page.goto(write_report(run, tmp_path / "report.html").as_uri())
    page.wait_for_selector(".wb-branch", timeout=30_000)
    assert page.locator(".wb-history").count() == 0
    before = shown(page)
    page.click(".wb-branch >> nth=1")
    assert shown(page) < before
    page.screenshot(path=pictures / "board_report.png")
    page.close()
    watch.check()
