"""Functions of installed libraries, called inside the sandbox."""

import json
from pathlib import Path

import pytest

from workbench.sandbox.jobs import Limits, NoSandboxError
from workbench.sandbox.library import Reply, call_library

pytestmark = pytest.mark.usefixtures("sandboxed")

SCORER = """
from sympy.parsing.sympy_parser import parse_expr
calls = []

def score(answer, entry):
    calls.append(answer)
    return [float(parse_expr(answer) == entry["value"]), len(calls)]

def evaluate(text):
    return eval(text)
"""


@pytest.fixture
def scorer(tmp_path: Path) -> Path:
    path = tmp_path / "scorer.py"
    path.write_text(SCORER)
    return path


def test_a_function_takes_and_returns_json_and_no_call_sees_another(scorer: Path) -> None:
    replies = call_library(scorer, "score", [["2*3", {"value": 6}], ["7", {"value": 6}]])
    assert [reply.value for reply in replies] == [[1.0, 1], [0.0, 1]]
    assert all(reply.returned and reply.seconds > 0 for reply in replies)


def test_a_library_may_load_late_what_is_installed(scorer: Path) -> None:
    (reply,) = call_library(scorer, "evaluate", [["__import__('xml.dom').dom.__name__"]])
    assert reply.value == "xml.dom"


@pytest.mark.parametrize(
    "text",
    [
        "open('MARK', 'w').close()",
        "__import__('os').system('touch MARK')",
        "__import__('os').fork()",
        "__import__('socket').socket()",
        "__import__('os').kill(1, 9)",
        "open('/etc/passwd').read()",
        "__import__('os').listdir('FOLDER')",
        "open('/proc/1/environ').read()",
        "__import__('subprocess').run(['id'])",
        "__import__('ctypes').CDLL(None).unshare(1 << 28) or 1",
    ],
)
def test_evaluated_text_reaches_nothing(scorer: Path, tmp_path: Path, text: str) -> None:
    text = text.replace("MARK", str(tmp_path / "mark")).replace("FOLDER", str(tmp_path.parent))
    (reply, sound) = call_library(scorer, "evaluate", [[text], ["1 + 1"]])
    # nothing, or the numbers by which the C library says failed
    assert reply.value is None or reply.value in (-1, 1, 32512)
    assert not (tmp_path / "mark").exists()
    assert sound.value == 2


def test_errors_and_limits_have_their_reason(scorer: Path) -> None:
    texts = [["1/0"], ["object()"], ["9**9**9"], ["__import__('os')._exit(0)"], ["'x' * 10**7"]]
    replies = call_library(scorer, "evaluate", texts, Limits(seconds=0.3, memory=2**31))
    assert not any(reply.returned for reply in replies)
    assert [reply.status for reply in replies] == ["finished", "finished", "timeout", "crashed", "memory"]
    assert replies[0].reason == "ZeroDivisionError: division by zero"


def test_a_file_that_does_not_import_is_told(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text("import no_such_library")
    with pytest.raises(NoSandboxError, match="No module named 'no_such_library'"):
        call_library(tmp_path / "bad.py", "score", [[]])


def test_a_file_is_small(tmp_path: Path) -> None:
    (tmp_path / "big.py").write_text("#" * 60_000)
    with pytest.raises(ValueError, match="60000 characters, at most 50000"):
        call_library(tmp_path / "big.py", "score", [[]])


def test_arguments_are_json(scorer: Path) -> None:
    with pytest.raises(TypeError, match="not JSON serializable"):
        call_library(scorer, "score", [[{1, 2}]])
    assert json.dumps(Reply(1, "finished").value) == "1"
