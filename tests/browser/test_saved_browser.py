"""A saved notebook opened where no kernel runs: the picture of the last state is seen, in JupyterLab and as HTML.

JupyterLab shows the next kind of output, the picture, once it knows that the model of a widget is not there; a notebook
that was saved with the states of its widgets (`metadata.widgets`) would draw the widget itself from them.
"""

import pytest
from playwright.sync_api import expect

from tests.browser.laboratory import ACCEPT, MARKS, ROOT, Shape, Watch, laboratory, make_run, write_notebook

pytestmark = MARKS
#: Each widget's cell, and words of its picture that nothing else in the notebook holds.
SHOWN = {
    "widgets.Dashboard('runs/fake')": "fake: finished · step 5 of 5",
    "widgets.Tokens('runs/fake', step=3)": "Step 3,",
    "widgets.Workbench()": "the config of the form",
    "widgets.Playground('runs/fake', step=5)": "GRPO",
    (LIST := "widgets.RunsView('runs')"): "1 run below runs",
}
SEEN = ".jp-OutputArea-output:visible"
MISSING = "widget model not found"  # the widget manager tells the console too that a kernel without the model is there
SLOW = 30_000  # milliseconds


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("lab")
    make_run(place / "runs" / "fake", Shape(steps=5, problems=4, rollouts=6))
    return place


@pytest.fixture(scope="module")
def lab(folder):
    with laboratory(folder) as running:
        yield running


@pytest.fixture(scope="module")
def saved(folder):
    """Every widget shown by a kernel that is gone, kept as JupyterLab keeps it: without the states of widgets."""
    cells = [f"import sys; sys.path.insert(0, {str(ROOT)!r}); import widgets", *SHOWN]
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, timeout=120, store_widget_state=False, resources={"metadata": {"path": folder}}).execute()
    return notebook


def test_the_notebook_as_html_shows_every_picture(browser, saved, tmp_path):
    page, watch = browser.new_page(), Watch()
    watch.listen(page)
    import nbconvert

    exporter = nbconvert.HTMLExporter(mathjax_url="", require_js_url="", jquery_url="", mermaid_js_url="")
    text, _ = exporter.from_notebook_node(saved)
    (tmp_path / "saved.html").write_text(text)
    page.goto((tmp_path / "saved.html").as_uri())
    for words in SHOWN.values():
        expect(page.locator(SEEN, has_text=words).first).to_be_visible()
    page.close()
    watch.check()


@pytest.mark.parametrize("trusted", [False, True])
@pytest.mark.parametrize("language", ["python", "a language without a kernel"])
def test_jupyterlab_shows_every_picture_once_and_no_message(browser, lab, saved, pictures, language, trusted):
    """With a kernel that has run nothing, and with none: Lab asks for one, and is told to do without."""
    path = kept(lab, saved, language, trusted)
    page, watch = browser.new_page(viewport={"width": 1400, "height": 2600}), Watch()
    watch.listen(page)
    page.goto(f"{lab.address}/lab/tree/{path.name}?token={lab.token}&reset")
    if language != "python":
        page.locator(".jp-Dialog select").select_option(label="No Kernel")
        page.click(ACCEPT)
    page.wait_for_selector("text=No Kernel" if language != "python" else "text=/ipykernel\\) . Idle/", timeout=SLOW)
    for words in SHOWN.values():
        expect(page.locator(SEEN, has_text=words).first).to_be_visible(timeout=SLOW)
    page.wait_for_timeout(2_000)  # so that Lab has looked for the models
    assert page.locator(SEEN, has_text=SHOWN[LIST]).count() == 1
    assert page.locator("text=/Error displaying|Loading widget/ >> visible=true").count() == 0
    page.screenshot(path=pictures / f"saved_{'trusted' if trusted else 'foreign'}_{path.stem}.png")
    page.close()
    watch.errors = [told for told in watch.errors if MISSING not in told]
    watch.check()


def read_notebook(path):
    """A notebook on disk."""
    import nbformat

    return nbformat.read(path, as_version=4)


def kept(lab, notebook, language, trusted):
    """The notebook on disk, for a language; signed as one's own notebooks are."""
    import nbformat
    from nbformat.sign import NotebookNotary

    notebook.metadata["kernelspec"] = {"name": language, "display_name": language, "language": language}
    notebook.metadata["language_info"] = {"name": language}
    path = lab.folder / f"{language.replace(' ', '_')}_{trusted}.ipynb"
    nbformat.write(notebook, path)
    if trusted:
        place = lab.folder / ".home" / "jupyter_data_dir"
        NotebookNotary(data_dir=str(place)).sign(nbformat.read(path, as_version=4))
    return path


def test_the_saved_picture_stays_hidden_while_the_widget_is_drawn(browser, lab):
    page, watch = browser.new_page(viewport={"width": 1400, "height": 1100}), Watch()
    watch.listen(page)
    cells = [f"import sys; sys.path.insert(0, {str(ROOT)!r}); import widgets", LIST]
    lab.open(page, write_notebook(lab.folder / "live.ipynb", cells))
    expect(page.locator("[role=row], tr, li", has_text="fake").first).to_be_visible(timeout=3 * SLOW)
    expect(page.locator(".wb-saved")).to_have_count(1)
    expect(page.locator(".wb-saved")).to_be_hidden()
    page.close()
    watch.check()


def test_what_was_looked_at_last_is_what_a_saved_notebook_shows(browser, lab):
    page, watch = browser.new_page(viewport={"width": 1400, "height": 1500}), Watch()
    watch.listen(page)
    cells = [f"import sys; sys.path.insert(0, {str(ROOT)!r}); import widgets", "widgets.Tokens('runs/fake', step=3)"]
    path = write_notebook(lab.folder / "left.ipynb", cells)
    lab.open(page, path)
    page.wait_for_selector(".wb-tokens .wb-token", timeout=3 * SLOW)
    picture = page.locator(".wb-saved")
    expect(picture).to_contain_text("Step 3,")
    page.evaluate("document.querySelector('.wb-view').dataset.same = 'yes'")
    page.focus(".wb-rollouts >> nth=0")
    for key in ("}", "m"):  # the next step, the next signal
        page.keyboard.press(key)
        page.wait_for_timeout(700)  # longer than the view waits before it tells
    expect(picture).to_contain_text("Step 4,")
    expect(picture).to_contain_text("(lens, orange")
    expect(picture).to_be_hidden()
    expect(page.locator(".wb-view[data-same]")).to_have_count(1)  # the widget was not drawn anew
    page.keyboard.press("Control+s")
    page.wait_for_function("() => !document.querySelector('.jp-mod-dirty')", timeout=SLOW)
    page.close()
    page = browser.new_page(viewport={"width": 1400, "height": 1100})
    watch.listen(page)
    left = kept(lab, read_notebook(path), "a language without a kernel", True)
    page.goto(f"{lab.address}/lab/tree/{left.name}?token={lab.token}&reset")
    page.locator(".jp-Dialog select").select_option(label="No Kernel")
    page.click(ACCEPT)
    expect(page.locator(SEEN, has_text="Step 4,")).to_have_count(1, timeout=SLOW)
    expect(page.locator(SEEN, has_text="Step 3,")).to_have_count(0)
    page.close()
    watch.errors = [told for told in watch.errors if MISSING not in told]
    watch.check()
