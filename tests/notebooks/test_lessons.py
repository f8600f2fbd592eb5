"""Every lesson runs from its first to its last cell, with shorter training."""

from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "notebooks"
LESSONS = sorted(FOLDER.glob("*.ipynb"))


def read_notebook(path):
    """A notebook on disk. nbformat takes seconds to import, so not before a test runs."""
    import nbformat

    return nbformat.read(path, as_version=4)


@pytest.fixture
def lesson_environment(monkeypatch, tmp_path):
    """Two steps of training, and the project on the kernel's path wherever the lesson is run."""
    monkeypatch.setenv("WORKBENCH_LESSON_STEPS", "2")
    monkeypatch.setenv("PYTHONPATH", str(FOLDER.parent))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))


@pytest.mark.filterwarnings("ignore")  # the kernel's client, not ours
@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_the_lesson_runs(path, tmp_path, lesson_environment):
    from nbclient import NotebookClient

    notebook = read_notebook(path)
    client = NotebookClient(
        notebook, timeout=180, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    kinds = {kind for cell in notebook.cells for output in cell.get("outputs", []) for kind in output.get("data", {})}
    assert "application/vnd.jupyter.widget-view+json" in kinds


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_is_kept_without_outputs_and_in_short_cells(path):
    notebook = read_notebook(path)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert notebook.metadata["kernelspec"]["name"] == "python3"
    assert not any(cell.outputs for cell in code)
    assert max(len(cell.source.splitlines()) for cell in code) <= 12


def test_there_is_a_lesson():
    assert LESSONS
