"""What the step did, in a real JupyterLab by keys alone; where nothing was scored again; in a report."""

import pytest
from playwright.sync_api import expect

from tests.browser.laboratory import MARKS, Shape, Watch, laboratory, make_run, write_notebook
from widgets.report.report import write_report
from workbench.runs.open import open_run

from tests.widgets.fake_after import score_again  # isort: skip  (found through laboratory)
from tests.widgets.fake_probes import add_probes, score_probes_again  # isort: skip

pytestmark = MARKS
SHAPE = Shape(steps=8, problems=4, rollouts=8)
SLOW = 60_000  # milliseconds: the kernel imports torch for the gradient weights of the tracked problems
PANEL = "section.wb-step"
FACTS = f"{PANEL} .wb-step-body .wb-step-fact"
PROBES = f"{PANEL} .wb-step-probes"


def against(row):
    """The first token of every rollout moves the other way, by far the most."""
    first, *rest = (old + 10 * push for old, push in zip(row["logprob"], row["lens"], strict=True))
    return [first - 500 * row["lens"][0], *rest]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lab")
    run = score_probes_again(add_probes(make_run(folder / "fake", SHAPE), SHAPE), 4)
    return score_again(run, 7, groups=3, score=against)


@pytest.fixture(scope="module")
def lab(run):
    with laboratory(run.parent) as running:
        yield running


@pytest.fixture
def view(browser, lab, request):
    """The tokens of the run at step 7; dark where the test says so."""
    page, watch = browser.new_page(viewport={"width": 1500, "height": 1900}), Watch()
    watch.listen(page)
    cell = "from widgets import Tokens; Tokens('fake', step=7)"
    lab.open(page, write_notebook(lab.folder / "step.ipynb", [cell]), dark=getattr(request, "param", False))
    page.wait_for_selector(".wb-tokens .wb-token", timeout=60_000)
    yield page
    page.close()
    watch.check()


def press(page, *keys):
    page.focus(".wb-rollouts >> nth=0")
    for key in keys:
        page.keyboard.press(key)


@pytest.mark.parametrize("view", [False, True], ids=["light", "dark"], indirect=True)
def test_by_keys_alone_from_the_panel_to_the_token_that_went_astray(view, pictures, request):
    press(view, "w")
    expect(view.locator(FACTS).first).to_contain_text("% sign agreement")
    view.keyboard.press("ArrowRight")  # the keys are at the plot
    readout = view.locator(f"{PANEL} .wb-step-readout")
    expect(readout).to_contain_text("token 1 · gradient weight")
    expect(readout).to_contain_text("opposite sign")
    view.screenshot(path=pictures / f"step_{request.node.callspec.id}.png")
    view.keyboard.press("Enter")
    expect(view.locator(".wb-at")).to_have_count(1)
    assert view.evaluate("() => document.activeElement.matches('.wb-rollouts')")
    assert view.locator(".wb-at").get_attribute("data-at") == "0"
    press(view, "w")
    expect(view.locator(PANEL)).to_be_hidden()
    press(view, "?")
    expect(view.locator(".wb-help")).to_contain_text("effect of the update")


def test_a_whole_step_its_rollouts_in_order_and_a_token_of_another_problem(view):
    press(view, "w")
    view.click(f"{PANEL} button:text-is('the whole step')")
    rows = view.locator(f"{PANEL} .wb-step-table tbody tr")
    expect(rows).to_have_count(24)  # three problems of eight rollouts
    view.click(f"{PANEL} thead button:text-is('Σ gradient weight')")
    told = rows.locator("td:nth-of-type(4)").all_inner_texts()
    sums = [float(each.replace("−", "-").replace("+", "")) for each in told if "·" not in each]
    assert sums == sorted(sums, reverse=True)
    assert len(set(sums)) > 3
    expect(view.locator(f"{PANEL} thead th[aria-sort=descending]")).to_contain_text("Σ gradient weight")
    before = view.locator(".wb-group[aria-pressed=true]").get_attribute("aria-label")
    items = view.locator(f"{PANEL} .wb-step-list").first.locator("button")
    place = next(at for at in range(items.count()) if int(items.nth(at).inner_text().split("#")[1]) >= 16)
    items.nth(place).focus()
    view.keyboard.press("Enter")
    expect(view.locator(".wb-at")).to_have_count(1)
    expect(view.locator(".wb-group[aria-pressed=true]")).not_to_have_attribute("aria-label", before)
    expect(view.locator(f"{PROBES} tbody tr")).to_have_count(2)
    expect(view.locator(PROBES)).to_contain_text("step 4 against step 8")


def test_what_it_did_to_problems_that_it_did_not_learn_from(view, pictures):
    press(view, "w")
    expect(view.locator(PROBES)).to_contain_text("step 4 were scored again after step 5 only")
    expect(view.locator(f"{PROBES} .wb-step-fact")).to_have_count(0)
    for step in (6, 5):
        press(view, "{")
        expect(view.locator(f"{PANEL} b").first).to_have_text(f"Effect of step {step}")
    facts = view.locator(f"{PROBES} .wb-step-fact")
    expect(facts).to_have_count(5, timeout=SLOW)
    expect(facts.first).to_contain_text("100 % sign agreement")
    expect(facts.nth(2)).to_contain_text("would be up-weighted")
    expect(view.locator(PROBES)).to_contain_text("Held out: ")
    expect(view.locator(PROBES)).to_contain_text("of GRPO, as if the step had been trained on these rollouts")
    view.locator(PANEL).screenshot(path=pictures / "step_probes.png")
    press(view, "{")  # step 4: nothing before it was evaluated
    expect(view.locator(PROBES)).to_contain_text("no evaluation before this step")


def test_what_was_not_scored_again_says_how_to_record_it(view):
    press(view, "w")
    expect(view.locator(FACTS).first).to_be_visible()
    view.locator(".wb-group").nth(3).click()
    words = view.locator(f"{PANEL} .wb-step-words").first
    expect(words).to_contain_text("3 of 4 problems of step 7 were scored again after the update; this one was not")
    words.locator("button", has_text="problem 1").click()
    expect(view.locator(FACTS).first).to_be_visible()
    press(view, "{")
    expect(words).to_contain_text("set record.after in the config")
    expect(view.locator(FACTS).first).to_be_hidden()
    press(view, "}", "w")
    press(view, "w")
    expect(view.locator(FACTS).first).to_be_visible()


def test_a_report_tells_what_its_steps_did(browser, run, tmp_path):
    page, watch = browser.new_page(viewport={"width": 1300, "height": 1500}), Watch()
    watch.listen(page)
    page.goto(write_report(open_run(run), tmp_path / "report.html", steps=[6, 7]).as_uri())
    page.wait_for_selector(".wb-tokens .wb-token")
    press(page, "w")
    expect(page.locator(FACTS).first).to_contain_text("% sign agreement")
    expect(page.locator(f"{PANEL} button", has_text="the whole step")).to_have_count(0)
    press(page, "{")
    expect(page.locator(f"{PANEL} .wb-step-words").first).to_contain_text("set record.after in the config")
    page.close()
    watch.check()
