"""Keys pressed in a widget stay there: around it, the notebook's shortcuts cut, delete and insert cells."""

import importlib.util

import pytest
from playwright.sync_api import expect

from tests.browser.laboratory import ALLOWED, LAB, MARKS, NOTEBOOK, Shape, Watch, laboratory, make_run, write_notebook

pytestmark = MARKS
COLOURED = ".wb-tokens :is(.wb-up, .wb-down)"
#: Each widget's cell, what is seen of it once it is there, and elements of it that take keys.
CELLS = {
    "widgets.Tokens('runs/fake')": (COLOURED, (".wb-rollouts", ".wb-bar-line select", ".wb-bar-line button")),
    "widgets.Playground('runs/fake', step=5)": (COLOURED, (".wb-rollouts", ".wp-bar select", ".wp-add")),
    "widgets.Dashboard('runs/fake')": (".wb-chart .wb-last", (".wb-charts", ".wb-follow input", ".wb-asks button")),
    "widgets.RunsView('runs')": (".wb-list-head", (".wb-run-rows", ".wb-list-head select")),
    "widgets.Workbench('runs')": (
        ".wf-memory",
        (".wf-section button, button.wf-section", ".wf-stage input[type=checkbox]", ".wf-stage select", "[role=tab]"),
    ),
}
#: Each a shortcut of the notebook; the first of them are the tokens' as well.
KEYS = ("ArrowDown", "m", "c", "]", "a", "b", "x", "d", "d", "y", "r", "v", "z", "j", "Shift+M", "Shift+ArrowDown")
PROMPTS = "() => [...document.querySelectorAll('.jp-InputPrompt')].map((each) => each.textContent).join()"
OWN = (*ALLOWED, "(reading 'schema')")  # Notebook 7.6 says this of any page
PATIENCE = 20_000  # milliseconds


@pytest.fixture(scope="module", params=[LAB, NOTEBOOK], ids=lambda each: each.module)
def server(request, tmp_path_factory):
    if importlib.util.find_spec(request.param.module) is None:
        pytest.skip(f"no {request.param.module}: pip install {request.param.module} to run these")
    folder = tmp_path_factory.mktemp(request.param.module)
    make_run(folder / "runs" / "fake", Shape(steps=5, problems=4, rollouts=6))
    with laboratory(folder, request.param) as running:
        yield running


@pytest.fixture(scope="module")
def notebook(browser, server):
    """The page with every widget in it."""
    page, watch = browser.new_page(viewport={"width": 1400, "height": 1300}), Watch(allowed=OWN)
    watch.listen(page)
    cells = [f"import widgets\n{code}" for code in CELLS]
    server.open(page, write_notebook(server.folder / "keys.ipynb", cells))
    yield page
    page.close()
    watch.check()


def cell_of(page, code):
    """The cell of a widget, once the widget is there."""
    cell = page.locator(".jp-Notebook .jp-CodeCell").nth(list(CELLS).index(code))
    cell.scroll_into_view_if_needed()
    cell.locator(CELLS[code][0]).first.wait_for(timeout=PATIENCE)
    return cell


@pytest.mark.parametrize("code", CELLS, ids=lambda code: code[8:].partition("(")[0])
def test_no_plain_key_reaches_the_notebook(notebook, code):
    cell = cell_of(notebook, code)
    for part in CELLS[code][1]:
        for key in KEYS:
            cell.locator(part).first.press(key, timeout=PATIENCE)
            expect(notebook.locator(".jp-Notebook .jp-CodeCell")).to_have_count(len(CELLS))
        expect(cell.locator(part).first).to_be_attached()
        notebook.keyboard.press("Escape")
        notebook.wait_for_timeout(20)
        assert not notebook.locator("[data-lm-suppress-shortcuts]").count()


@pytest.mark.parametrize("code", CELLS, ids=lambda code: code[8:].partition("(")[0])
def test_orders_to_the_notebook_still_reach_it(notebook, code):
    """Shift+Enter runs the cell that was active last."""
    cell, before = cell_of(notebook, code), notebook.evaluate(PROMPTS)
    cell.locator(CELLS[code][1][0]).first.press("Shift+Enter", timeout=PATIENCE)
    notebook.wait_for_function(f"(before) => ({PROMPTS})() !== before", arg=before, timeout=PATIENCE)
