"""The workbench in one cell, in a real JupyterLab in a real Chromium: set up, launch, read the first token."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.laboratory import MARKS, Shape, Watch, laboratory, make_run, write_notebook

pytestmark = MARKS
#: A field of each table that no other has.
LANDMARKS = {
    "model": "dtype", "task": "level", "rewards": "completion", "method": "method", "rollouts": "max tokens",
    "training": "learning rate", "evaluation": "every",
}  # fmt: skip
COLOURED = ".wb-tokens .wb-up, .wb-tokens .wb-down"
CELL = "from widgets.workbench import Workbench\nworkbench = Workbench('runs')\nworkbench"


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lab")
    make_run(folder / "runs" / "fake", Shape(steps=2, problems=2, rollouts=4))
    with laboratory(folder) as running:
        yield running


def opened(browser, lab, name, cells=(CELL,), dark=False):
    """A page with the form and its plan, and what it did wrong."""
    page = browser.new_page(viewport={"width": 1400, "height": 1500})
    watch = Watch()
    watch.listen(page)
    lab.open(page, write_notebook(lab.folder / f"{name}.ipynb", cells), dark=dark)
    page.wait_for_selector(".wf-memory", timeout=120_000)
    page.keyboard.press("Control+b")  # the file browser takes room
    return page, watch


def section(page, name):
    """Opens a table of the form, and waits for a field that no other table has."""
    page.get_by_role("button", name=re.compile(f"^{name}", re.IGNORECASE)).first.click()
    stage = page.locator(".wf-stage")
    stage.get_by_label(LANDMARKS[name], exact=True).first.wait_for()
    return stage


def fill(page, table, label, text):
    """Writes into a field by its label."""
    section(page, table).get_by_label(label, exact=True).fill(text)


def finished(page, watch):
    page.close()
    watch.check()


def test_from_the_form_to_the_first_coloured_token(browser, lab, pictures):
    page, watch = opened(browser, lab, "journey")
    fill(page, "training", "steps", "2")
    fill(page, "evaluation", "problems", "16")
    fill(page, "rollouts", "problems", "4")
    expect(page.locator(".wf-section.wf-chosen")).to_contain_text("4 × 16")
    page.locator(".wf-launch").get_by_label("name", exact=True).fill("journey")
    page.get_by_role("button", name="Launch", exact=True).click()
    page.wait_for_selector(COLOURED, timeout=120_000)
    assert page.locator(".wf-reading-run .wb-run-name").inner_text() == "journey"
    page.screenshot(path=pictures / "setup_launched.png")
    page.get_by_role("tab", name="Set up").click()
    expect(page.locator(".wf-launch")).to_contain_text("this run will be named journey-2")
    finished(page, watch)


def test_a_mistake_stands_beside_its_field_and_goes_away(browser, lab, pictures):
    page, watch = opened(browser, lab, "mistake")
    fill(page, "rollouts", "temperature", "0")
    expect(page.locator(".wf-error")).to_contain_text("would be identical")
    expect(page.locator(".wf-wrong input")).to_have_value("0")
    expect(page.locator(".wf-section.wf-wrong")).to_contain_text("rollouts")
    page.screenshot(path=pictures / "setup_mistake.png")
    page.get_by_role("button", name="Launch", exact=True).click()
    expect(page.locator(".wf-launch .wf-error")).to_contain_text("fix this first")
    fill(page, "rollouts", "temperature", "1")
    expect(page.locator(".wf-stage .wf-error")).to_have_count(0)
    fill(page, "rollouts", "max tokens", "100000")  # only the model can say: told a moment later
    expect(page.locator(".wf-stage .wf-error")).to_contain_text("set less", timeout=60_000)
    finished(page, watch)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_swapping_the_method_shows_its_card_and_its_fields(browser, lab, pictures, theme):
    page, watch = opened(browser, lab, f"method_{theme}", dark=theme == "dark")
    stage = section(page, "method")
    page.locator(".wf-equation mjx-container").wait_for(timeout=60_000)
    stage.get_by_label("filter", exact=True).first.fill("learned value")
    expect(stage.locator("select[size] option")).to_have_count(2)  # the one that is chosen stays
    stage.get_by_label("method", exact=True).select_option("ppo · PPO")
    expect(page.locator(".wf-card h3")).to_have_text("PPO")
    expect(stage.get_by_label("whitened")).to_be_checked()
    page.get_by_role("button", name="Copy as TOML").click()
    expect(page.get_by_label("the config as TOML")).to_have_value(re.compile('method = "ppo"'))
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.locator(".wf-copy [role=status]")).to_have_text(re.compile("copied|selected"))
    page.get_by_role("button", name="Copy as TOML").click()
    page.screenshot(path=pictures / f"setup_method_{theme}.png")
    for name in ("model", "task", "rewards"):
        section(page, name)
    expect(page.locator(".wf-trial-result")).to_contain_text("before reward shaping")
    page.screenshot(path=pictures / f"setup_rewards_{theme}.png")
    colours = "one => [one, document.querySelector('.jp-Notebook')].map((each) => getComputedStyle(each))"
    colours += ".map((style, place) => (place ? style.backgroundColor : style.color))"
    text, ground = page.locator(".wf-help").first.evaluate(colours)
    assert contrast(text, ground) >= 4.5
    finished(page, watch)


def test_a_method_and_a_run_of_a_later_cell_are_there(browser, lab):
    later = (
        "import dataclasses\nfrom workbench import METHODS, register\n"
        "register('later', dataclasses.replace(METHODS['grpo'], title='Later', changes='it came later'))"
    )
    page, watch = opened(browser, lab, "later", (CELL, later))
    stage = section(page, "method")
    stage.get_by_label("method", exact=True).select_option("later · Later")
    expect(page.locator(".wf-card")).to_contain_text("it came later")
    page.get_by_role("tab", name="Runs").click()
    page.locator(".wb-run-rows .wb-run-line", has_text="fake").locator(".wb-of").click()
    page.wait_for_selector(COLOURED, timeout=60_000)
    finished(page, watch)


def test_the_form_is_used_by_keys_alone(browser, lab):
    page, watch = opened(browser, lab, "keys")
    page.get_by_role("button", name=re.compile("^training", re.IGNORECASE)).focus()
    page.keyboard.press("Enter")
    tab_to(page, page.locator(".wf-stage").get_by_label("steps", exact=True), 12)
    page.keyboard.press("Control+a")
    page.keyboard.type("7")
    expect(page.locator(".wf-section.wf-chosen")).to_contain_text("7 steps")
    rate = page.locator(".wf-stage").get_by_label("learning rate", exact=True)
    tab_to(page, rate, 8)  # past the target accuracy and the most seconds: boxes to tick, fields, a slider
    finished(page, watch)


def tab_to(page, field, most):
    """Presses Tab until the field has the focus, at most so many times."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if field.evaluate("element => element === document.activeElement"):
            return
    expect(field).to_be_focused()


def contrast(first, second):
    """The contrast of two CSS colours, as WCAG 2.2 computes it."""

    def light(colour):
        parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted([light(first), light(second)])
    return (high + 0.05) / (low + 0.05)
