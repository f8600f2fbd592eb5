"""Notebook 7 shows the same widgets: it is made of JupyterLab's parts, with pages, menus and a status of its own."""

import importlib.util

import pytest

from tests.browser.laboratory import ALLOWED, MARKS, NOTEBOOK, Shape, Watch, laboratory, make_run, write_notebook

pytestmark = [
    *MARKS,
    pytest.mark.skipif(
        importlib.util.find_spec("notebook") is None, reason="no Notebook 7: pip install 'notebook>=7.5' to run these"
    ),
]
COLOURED = ".wb-tokens .wb-up, .wb-tokens .wb-down"
#: Each widget's cell, and what is seen of it once it is there.
SHOWN = {
    "import widgets\nwidgets.Workbench('runs')": ".wf-memory",
    "widgets.Dashboard('runs/fake')": ".wb-dashboard .wb-chart .wb-last",
    "widgets.Tokens('runs/fake', step=3)": COLOURED,
    "widgets.Playground('runs/fake', step=5)": f"section[data-method='2'] :is({COLOURED})",
}
#: What Notebook says of itself, widgets or not.
OWN = (
    *ALLOWED,
    "(reading 'schema')",  # its shortcuts hear of a plugin's settings before they are loaded: any page of 7.6 does so
)
PATIENCE = 60_000  # milliseconds


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("notebook")
    make_run(folder / "runs" / "fake", Shape(steps=5, problems=4, rollouts=6))
    with laboratory(folder, NOTEBOOK) as running:
        yield running


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_widget_is_drawn_and_nothing_leaves_the_machine(browser, server, pictures, theme):
    page, watch = browser.new_page(viewport={"width": 1400, "height": 1300}), Watch(allowed=OWN)
    watch.listen(page)
    server.open(page, write_notebook(server.folder / f"{theme}.ipynb", list(SHOWN)), dark=theme == "dark")
    cells = page.locator(".jp-Notebook .jp-CodeCell")
    for place, (code, part) in enumerate(SHOWN.items()):
        cells.nth(place).scroll_into_view_if_needed()
        cells.nth(place).locator(part).first.wait_for(timeout=PATIENCE)
        name = code.rpartition("widgets.")[2].partition("(")[0].lower()
        cells.nth(place).screenshot(path=pictures / f"notebook7_{name}_{theme}.png")
    page.close()
    watch.check()
