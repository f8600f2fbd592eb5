"""The documentation is true: its code runs, its glossary knows every term, its pages load nothing from elsewhere."""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell

from scripts import make_docs
from scripts.benchmark_tables import benchmarks_page
from scripts.sources import ROOT, tree
from tests.cells.cells import forgetting, run_cell, shell  # noqa: F401
from tests.widgets.fake_run import make_run
from workbench.signals import SIGNALS
from workbench.types import AXES

DOCS = ROOT / "docs"
BLOCK = re.compile(r"^```(python|ipython)\n(.*?)^```", re.DOTALL | re.MULTILINE)
RUN = sorted([*DOCS.glob("your_own_*.md"), DOCS / "rewards_that_ask.md"])  # pages whose code is run from top to bottom
GLOSSARY = (DOCS / "glossary.md").read_text(encoding="utf-8")
TERMS = {cell.strip().strip("`").lower() for cell in re.findall(r"^\| ([^|]+) \|", GLOSSARY, re.MULTILINE)}
NAMES = set(re.findall(r"`([^`]+)`", GLOSSARY))


# ---------------------------------------------------------------------------------------------- code


@pytest.fixture
def forgotten_signals() -> Iterator[None]:
    """Signals that a page defines are gone after the test."""
    tables = (SIGNALS.entries, AXES)
    before = [dict(table) for table in tables]
    yield
    for table, old in zip(tables, before, strict=True):
        table.clear()
        table.update(old)


@pytest.mark.usefixtures("forgotten_signals")
@pytest.mark.parametrize("page", RUN, ids=lambda page: page.stem)
def test_code_of_a_page_runs_from_top_to_bottom(
    page: Path,
    shell: InteractiveShell,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_run(tmp_path / "runs" / "demo")
    monkeypatch.chdir(tmp_path)
    blocks = [text for _, text in BLOCK.findall(page.read_text(encoding="utf-8"))]
    assert blocks, f"{page.name} shows no code"
    for block in blocks:
        run_cell(shell, block)


def test_every_kind_of_thing_to_add_has_a_page() -> None:
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert {page.stem.removeprefix("your_own_") for page in RUN} >= {"method", "reward", "task", "signal", "engine"}
    assert not [page.name for page in RUN if f"docs/{page.name}" not in contributing]


@pytest.mark.usefixtures("forgetting")
def test_the_readmes_method_is_one() -> None:
    """The README's method trains what it says: no clipping, whatever the ratio."""
    import torch

    from workbench import Batch, lens

    block = next(text for _, text in BLOCK.findall((ROOT / "README.md").read_text()) if "class Plain" in text)
    names: dict[str, object] = {"__name__": __name__}
    exec(compile(block, "README.md", "exec"), names)
    old = torch.full((2, 1), -1.0)
    far = Batch(old + 1, old, torch.ones(2, 1, dtype=torch.bool), torch.tensor([1.0, 0.0]), torch.zeros(2).long())
    assert (lens(names["unclipped"], far) != 0).all()  # type: ignore[arg-type]


# ------------------------------------------------------------------------------------------ glossary


def module_text(name: str) -> str:
    """A file of the views, wherever its room is."""
    (path,) = (path for path in (ROOT / "widgets").rglob(name) if "node_modules" not in path.parts)
    return path.read_text(encoding="utf-8")


def signal_labels() -> list[str]:
    """What the menus call the signals: from the descriptions, and from the page's own table where it has labels."""
    table = re.search(r"export const SIGNALS = \{(.*?)^\};", module_text("signals.js"), re.DOTALL | re.MULTILINE)
    labels = re.findall(r'label: "([^"]+)"', table[1] if table else "")
    if importlib.util.find_spec("workbench.descriptions") is not None:
        descriptions = importlib.import_module("workbench.descriptions")
        labels += [entry.label for entry in descriptions.DESCRIPTIONS.values() if entry.axes == ("rollout", "token")]
    return sorted(set(labels))


def charts() -> str:
    """The table of the charts."""
    found = re.search(r"export const CHARTS = \[(.*?)^\];", module_text("charts.js"), re.DOTALL | re.MULTILINE)
    assert found, "charts.js has no CHARTS"
    return found[1]


def chart_titles() -> list[str]:
    return re.findall(r'title: "([^"]+)"', charts())


def metrics() -> list[str]:
    """Every metric that a step or a chart names."""
    shown = re.findall(r'["{ ]([a-z_.0-9]+)"?: "', " ".join(re.findall(r"series: \{(.*?)\}", charts(), re.DOTALL)))
    step = tree(ROOT / "workbench" / "training" / "watching" / "metrics.py")
    wanted = {"metrics_of", "token_metrics"}
    functions = [node for node in ast.walk(step) if isinstance(node, ast.FunctionDef) and node.name in wanted]
    keys = [key for each in functions for node in ast.walk(each) if isinstance(node, ast.Dict) for key in node.keys]
    named = [key.value for key in keys if isinstance(key, ast.Constant)]
    return sorted({*shown, *map(str, named)})


def columns() -> list[str]:
    from workbench.runs.directory.record import COLUMNS

    return [column.name for column in COLUMNS]


@pytest.mark.parametrize("label", signal_labels())
def test_every_label_of_a_signal_is_in_the_glossary(label: str) -> None:
    assert label.lower() in TERMS, f"docs/glossary.md has no row for the signal {label!r}"


@pytest.mark.parametrize("title", chart_titles())
def test_every_chart_is_in_the_glossary(title: str) -> None:
    assert title.lower() in TERMS, f"docs/glossary.md has no row for the chart {title!r}"


@pytest.mark.parametrize("name", metrics())
def test_every_metric_is_in_the_glossary(name: str) -> None:
    assert name in NAMES, f"docs/glossary.md does not name the metric {name}"


@pytest.mark.parametrize("name", columns())
def test_every_column_is_in_the_glossary(name: str) -> None:
    assert name in NAMES, f"docs/glossary.md does not name the column {name}"


def test_the_lists_that_the_glossary_is_held_against_are_not_empty() -> None:
    assert min(map(len, (signal_labels(), chart_titles(), metrics(), columns()))) > 9


def test_the_glossary_sends_nobody_to_a_file_that_is_gone() -> None:
    named = set(re.findall(r"`((?:workbench|widgets)/[a-z_/]+(?:\.py|\.js|/))", GLOSSARY))
    assert named
    assert not [name for name in named if not (ROOT / name).exists()]


# ---------------------------------------------------------------------------------------------- site


@pytest.fixture(scope="module")
def hooks():  # type: ignore[no-untyped-def]
    return importlib.import_module("scripts.site_hooks")


@pytest.mark.parametrize(
    ("page", "address"),
    [
        ('<script src="https://cdn.example/x.js"></script>', "https://cdn.example/x.js"),
        ('<link rel="stylesheet" href="//fonts.example/a.css">', "//fonts.example/a.css"),
        ('<img src="http://elsewhere.example/a.png">', "http://elsewhere.example/a.png"),
        ('<link rel="preconnect" href="https://fonts.example">', "https://fonts.example"),
    ],
)
def test_a_page_that_needs_the_network_is_found(hooks, page: str, address: str) -> None:  # type: ignore[no-untyped-def]
    assert hooks.strangers(page) == [address]


@pytest.mark.parametrize("page", ['<a href="https://arxiv.org/abs/1">', '<img src="a.png">', '<script src="../x.js">'])
def test_links_to_follow_and_own_files_are_no_strangers(hooks, page: str) -> None:  # type: ignore[no-untyped-def]
    assert hooks.strangers(page) == []


def test_a_link_in_a_fenced_block_stays_as_it_is(hooks) -> None:  # type: ignore[no-untyped-def]
    text = "[a](../workbench/ops.py)\n```python\nx = table[0](../workbench/ops.py)\n```\n"
    assert hooks.rewritten(text, "docs", "index.md").splitlines()[2] == "x = table[0](../workbench/ops.py)"


def test_every_equation_becomes_mathml_without_a_command_left(hooks) -> None:  # type: ignore[no-untyped-def]
    pytest.importorskip("latex2mathml", reason="latex2mathml is not installed (pip install -e '.[docs]')")
    from workbench.methods import METHODS

    left = {key: re.findall(r"\\[a-zA-Z]+", hooks.mathml(method.equation, "block")) for key, method in METHODS.items()}
    assert not {key: words for key, words in left.items() if words}


def test_every_page_is_in_the_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").split("nav:")[1]
    pages = [path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")]
    lessons = [f"lessons/{path.name}" for path in (ROOT / "notebooks").glob("*.ipynb")]
    assert not [page for page in [*pages, *lessons] if page not in navigation]


# ------------------------------------------------------------------------------------ generated pages


def test_a_benchmark_that_nobody_described_is_shown_with_its_numbers(tmp_path: Path) -> None:
    hardware = '"hardware": {"processor": "P", "cores": 2, "gpu": null, "load": 1.0}'
    line = f'{{"benchmark": "odd", "ratio": 2.5, "commit": "abc+", "time": "2026-01-02T03:04:05", {hardware}}}\n'
    (tmp_path / "odd.jsonl").write_text("{}\n" + line)
    (row,) = [line for line in benchmarks_page("", tmp_path).splitlines() if line.startswith("| `odd`")]
    assert "ratio 2.5" in row
    assert "`abc+`" in row
    assert row.count(" | ") == 6


def test_every_command_and_every_method_has_its_place() -> None:
    from workbench.methods import METHODS

    pages = {path.name: text for path, text in make_docs.generated().items()}
    assert pages["commands.md"].count("\n## workbench ") > 10
    assert not [key for key in METHODS if f"## {key}\n" not in pages["methods.md"]]
    assert not [key for key in METHODS if f"[`{key}`](methods.md#{key})" not in pages["papers.md"]]
