"""Runs the JavaScript tests, `tests/js/*.test.js`, with node, and checks the types with tsc, where there are these."""

import shutil
import subprocess

import pytest

from scripts.sources import ROOT, files

SUITES = [path for path in files("tests/js", suffixes=(".mjs", ".js")) if ".test." in path.name]
SCRIPTS = files("widgets", suffixes=(".js",))
NODE = shutil.which("node")
COMPILER = ROOT / "tests" / "js" / "node_modules" / ".bin" / "tsc"

needs_node = pytest.mark.skipif(NODE is None, reason="no node on the path: install nodejs to test the JavaScript")


@needs_node
@pytest.mark.parametrize("suite", SUITES, ids=lambda path: path.name)
def test_suite(suite) -> None:
    answer = subprocess.run([str(NODE), "--test", str(suite)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr


@needs_node
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_script_is_a_module_without_syntax_errors(script) -> None:
    command = [str(NODE), "--input-type=module", "--check"]
    source = script.read_text(encoding="utf-8")
    answer = subprocess.run(command, input=source, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr


@needs_node
@pytest.mark.skipif(not COMPILER.exists(), reason="no tsc: run `npm install` in tests/js to check the types")
def test_types_agree() -> None:
    command = [str(COMPILER), "--project", str(ROOT / "widgets" / "jsconfig.json")]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_script_loads_nothing_from_the_network(script) -> None:
    source = script.read_text(encoding="utf-8")
    assert "http://" not in source.replace("http://www.w3.org/", "")
    assert "https://" not in source
