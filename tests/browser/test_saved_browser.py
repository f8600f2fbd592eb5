"""A saved notebook opened where no kernel runs: the picture of the last state is seen, in JupyterLab and as HTML.

JupyterLab shows the next kind of output, the picture, once it knows that the model of a widget is not there; a notebook
that was saved with the states of its widgets (`metadata.widgets`) would draw the widget itself from them.
"""

import os
from pathlib import Path

import nbconvert
import nbformat
import pytest
from laboratory import ACCEPT, ARGUMENTS, CHROMIUM, ROOT, Shape, Watch, laboratory, make_run
from nbclient import NotebookClient
from playwright.sync_api import expect, sync_playwright

pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"no {CHROMIUM}: apt-get install chromium to run these"),
]
#: Each widget's cell, and words of its picture that nothing else in the notebook holds.
SHOWN = {
    "widgets.Dashboard('runs/fake')": "fake: finished · step 5 of 5",
    "widgets.Tokens('runs/fake', step=3)": "told to become likelier",
    "widgets.Workbench()": "the config of the form",
    "widgets.Playground('runs/fake', step=5)": "GRPO",
    "widgets.RunsView('runs')": "1 runs below runs",
}


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("lab")
    make_run(place / "runs" / "fake", Shape(steps=5, problems=4, rollouts=6))
    return place


@pytest.fixture(scope="module")
def lab(folder):
    with laboratory(folder) as running:
        yield running


@pytest.fixture
def pictures(tmp_path):
    """Where screenshots go: WORKBENCH_PICTURES, or the test's own folder."""
    folder = Path(os.environ.get("WORKBENCH_PICTURES") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def saved(folder):
    """Every widget shown by a kernel that is gone, kept as JupyterLab keeps it: without the states of widgets."""
    cells = [f"import sys; sys.path.insert(0, {str(ROOT)!r}); import widgets", *SHOWN]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, timeout=120, store_widget_state=False, resources={"metadata": {"path": folder}}).execute()
    return notebook


def test_the_notebook_as_html_shows_every_picture(browser, saved, tmp_path):
    page, watch = browser.new_page(), Watch()
    watch.listen(page)
    exporter = nbconvert.HTMLExporter(mathjax_url="", require_js_url="", jquery_url="", mermaid_js_url="")
    text, _ = exporter.from_notebook_node(saved)
    (tmp_path / "saved.html").write_text(text)
    page.goto((tmp_path / "saved.html").as_uri())
    for words in SHOWN.values():
        expect(page.locator(".jp-OutputArea-output", has_text=words).first).to_be_visible()
    page.close()
    watch.check()


@pytest.mark.parametrize("kernel", ["python3", "no kernel of this name"])
def test_jupyterlab_shows_every_picture_and_no_message_of_its_own(browser, lab, saved, pictures, kernel):
    """With a kernel that has run nothing, and with none: Lab asks for one, and is told to do without."""
    saved.metadata["kernelspec"] = {"name": kernel, "display_name": kernel, "language": "python"}
    path = lab.folder / f"{kernel}.ipynb"
    nbformat.write(saved, path)
    page, watch = browser.new_page(viewport={"width": 1400, "height": 2600}), Watch()
    watch.listen(page)
    page.goto(f"{lab.address}/lab/tree/{path.name}?token={lab.token}&reset")
    if kernel != "python3":
        page.locator(".jp-Dialog select").select_option(label="No Kernel")
        page.click(ACCEPT)
    for words in SHOWN.values():
        expect(page.locator(".jp-OutputArea-output", has_text=words).first).to_be_visible(timeout=60_000)
    assert page.locator("text=Error displaying widget").count() == 0
    page.screenshot(path=pictures / f"saved_{kernel.replace(' ', '_')}.png")
    page.close()
    watch.check()
