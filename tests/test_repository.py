"""The repository keeps its promises: one list of requirements, links that lead somewhere, a wheel that is whole."""

import importlib.metadata
import os
import re
import shutil
import stat
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

from scripts import make_docs
from scripts.method_tables import methods_table
from scripts.sources import ROOT, files

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


def requirements() -> list[str]:
    return [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]]


def test_conda_environment_has_the_same_requirements() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    conda, pip = environment["dependencies"][:-1], environment["dependencies"][-1]["pip"]
    assert pip == [*requirements(), "-e ."]
    assert f"python{PROJECT['requires-python']}" in conda
    assert environment["name"] == PROJECT["name"]


def test_torch_is_pinned_alike_everywhere() -> None:
    pin = next(name for name in requirements() if name.startswith("torch"))
    assert pin == "torch==2.13.*"
    for name in ("Makefile", "environment.yml", "docs/installing.md"):
        pins = set(re.findall(r"torch==[\d.*]+", (ROOT / name).read_text(encoding="utf-8")))
        assert pins == {pin}, f"{name} says {pins}"


def test_changelog_has_the_version() -> None:
    import workbench

    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## [{workbench.__version__}]" in changelog
    assert "## [Unreleased]" in changelog


def test_licence_is_the_one_that_is_declared() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert PROJECT["license"] == "Apache-2.0"
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text


def test_make_has_the_promised_targets() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in ("demo", "lab", "test", "check", "fix", "docs", "docs-site", "soak", "league", "bench"):
        assert re.search(rf"^{target}: ", makefile, re.MULTILINE), f"there is no make {target}"


@pytest.mark.skipif(shutil.which("make") is None, reason="no make on the path")
@pytest.mark.parametrize("target", ["demo", "lab", "test", "check", "fix", "docs", "soak", "league", "bench"])
def test_every_target_makes_the_environment(target: str, tmp_path: Path) -> None:
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    command = ["make", "--dry-run", target, f"PYTHON={sys.executable}"]
    answer = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "-m venv .venv" in answer.stdout
    assert answer.stdout.index('"torch==2.13.*"') < answer.stdout.index('-e ".[dev,tasks]"')


def test_continuous_integration_can_start() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & stat.S_IXUSR
    subprocess.run(["bash", "-n", str(script)], check=True)
    text = script.read_text(encoding="utf-8")
    assert text.index("check PYTHON") < text.index("make test PYTHON")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text)
    lost = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert not lost, f"{page.name} links to files that are not there: {lost}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_in_the_documentation_compiles(page: Path) -> None:
    for block in re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        compile(block, str(page), "exec")


def test_the_tree_names_every_folder() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    tree = page[page.index("## The tree") :]
    folders = {path.parent for path in files("workbench") if path.parent.parent == ROOT / "workbench"}
    missing = [folder.name for folder in folders if f"{folder.name}/`" not in tree]
    assert not missing, f"the tree in docs/architecture.md gives no reason for {missing}"


def test_readme_is_short_and_says_the_first_things_first() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(readme.encode()) <= 9_000
    order = [
        "tour.webp",
        "git clone",
        "make demo",
        "make test",
        "## Ten lines of Python",
        "class Plain",
        "CONTRIBUTING.md",
    ]
    places = [readme.index(text) for text in order]
    assert places == sorted(places)
    assert "`objective` in [`workbench/method.py`]" in readme


def test_citation_has_the_version() -> None:
    import workbench

    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == workbench.__version__
    assert f"{{{workbench.__version__}}}" in (ROOT / "docs" / "cite.md").read_text(encoding="utf-8")


def test_generated_text_goes_between_its_marks() -> None:
    text = "before\n<!-- begin x: note -->\nold\n<!-- end x -->\nafter"
    assert make_docs.between(text, "x", "new") == text.replace("old", "new")
    with pytest.raises(ValueError, match="begin y"):
        make_docs.between(text, "y", "new")


def test_stale_documentation_fails_the_check(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    monkeypatch.setattr(make_docs, "ROOT", tmp_path)
    monkeypatch.setattr(make_docs, "generated", lambda: {page: "new"})
    assert make_docs.main(["--check"]) == 1
    assert not page.exists()
    assert "page.md is stale" in capsys.readouterr().err
    assert make_docs.main([]) == 0
    assert make_docs.main(["--check"]) == 0


def test_methods_table_has_a_row_for_each() -> None:
    from workbench.methods import METHODS

    rows = methods_table(list(METHODS.values())).splitlines()
    assert len(rows) == len(METHODS) + 2
    assert all(row.count(" | ") == 3 for row in rows[2:]), "a bar in a text must be escaped"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    (built,) = folder.glob("*.whl")
    return zipfile.ZipFile(built)


def test_wheel_holds_every_file_of_both_packages(wheel: zipfile.ZipFile) -> None:
    wanted = {path.relative_to(ROOT).as_posix() for path in files("workbench", "widgets", suffixes=None)}
    missing = wanted - set(wheel.namelist())
    assert not missing, f"left out of the wheel: {sorted(missing)}"
    weights = "workbench/models/embedded/model.safetensors"
    assert {"workbench/methods/grpo.py", "workbench/runs/process/build.py", weights} <= wanted


def test_wheel_holds_nothing_else(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} <= {"workbench", "widgets"}
    assert sum(item.file_size for item in wheel.infolist()) < 16 * 2**20, "the package has grown beyond 16 MiB"


def test_wheel_brings_the_command_and_the_licence(wheel: zipfile.ZipFile) -> None:
    named = {name.split("/", 1)[1]: name for name in wheel.namelist() if ".dist-info/" in name}
    assert "workbench = workbench.cli:main" in wheel.read(named["entry_points.txt"]).decode()
    assert "licenses/LICENSE" in named


def test_installed_packages_fit_the_requirements() -> None:
    from packaging.requirements import Requirement

    for text in requirements():
        requirement = Requirement(text)
        found = importlib.metadata.version(requirement.name)
        assert requirement.specifier.contains(found, prereleases=True), f"{found} is installed, {text} is asked for"


def test_nothing_depends_on_one_machine() -> None:
    home = str(Path.home()) + os.sep
    for path in [*files("workbench", "widgets", "scripts", "benchmarks", "tests"), *PAGES]:
        assert home not in path.read_text(encoding="utf-8"), f"{path} names {home}"
