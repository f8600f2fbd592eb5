"""Cells as a notebook runs them: the magic, and a decorated function by itself."""

import subprocess
import sys

import pytest

from tests.cells.cells import HALF, forgetting, run_cell, shell  # noqa: F401
from workbench import registry
from workbench.cells import MethodError, Source
from workbench.cells.source import SOURCES

IMPORTS = """
import torch
from workbench import Batch
from workbench.cells import method
from workbench.ops import group_centre, spread
from workbench.types import PerToken
"""


def test_the_magic_keeps_the_whole_cell(shell, capsys):  # noqa: F811
    run_cell(shell, "%%method half\n" + HALF)
    entered, effect = capsys.readouterr().out.splitlines()
    assert entered == "half: method 'half', advantage 'half'"
    assert effect == (
        "half: correct rollouts: up-weighted 4 of 4; incorrect rollouts: down-weighted 4 of 4; "
        "groups of equal rewards: no gradient"
    )
    assert SOURCES[registry.HOMES["half"]] == Source("half", HALF)
    assert run_cell(shell, "advantage.key") == "half"
    assert run_cell(shell, "from workbench import METHODS\nMETHODS['half'].changes") == "a wrong answer costs half"


def test_a_decorated_function_brings_its_imports(shell):  # noqa: F811
    run_cell(
        shell,
        IMPORTS + "import torch.nn.functional as F\nfrom torch import Tensor as T\nfrom math import exp as e\nk = 1",
    )
    run_cell(
        shell,
        '@method("soft", changes="softplus")\ndef f(batch: Batch, a: float = e(0)) -> PerToken:\n'
        "    value: T = F.softplus(a * group_centre(batch.reward, batch.group))\n    return spread(value, batch.mask)",
    )
    text = SOURCES[registry.HOMES["soft"]].text
    assert text.startswith("from math import exp as e\nfrom torch import Tensor as T\n")
    for line in ("import torch.nn.functional as F", "from workbench.types import Batch", "\n\n\n@method("):
        assert line in text
    code = "import sys; exec(sys.stdin.read(), {'__name__': 'alone'})\n"
    code += "from workbench import METHODS; print(METHODS['soft'].title)"
    alone = subprocess.run([sys.executable, "-c", code], input=text, capture_output=True, text=True, check=True)
    assert alone.stdout == "soft\n"


def test_a_decorated_function_that_leans_on_another_cell_is_told_of_the_magic(shell):  # noqa: F811
    run_cell(shell, IMPORTS + "SCALE = 2.0\ndef helper(x): return x")
    with pytest.raises(
        MethodError, match=r"method 'lean' uses SCALE, helper, which another cell defines.*%%method lean"
    ):
        run_cell(shell, '@method("lean")\ndef f(batch): return helper(batch.logprob) * SCALE')
    assert "lean" not in registry.methods()


def test_the_magic_wants_one_name(shell):  # noqa: F811
    with pytest.raises(MethodError, match=r"%%method a b: give one name"):
        run_cell(shell, "%%method a b\nx = 1")


def test_a_function_without_source_is_told_of_the_magic(shell):  # noqa: F811
    run_cell(shell, IMPORTS)
    with pytest.raises(MethodError, match=r"method 'lost': the source of f is not available here.*%%method lost"):
        run_cell(shell, "exec(\"@method('lost')\\ndef f(batch): return batch.logprob\")")


def test_what_only_a_notebook_has_is_refused(shell):  # noqa: F811
    with pytest.raises(MethodError, match=r"cell 'half' uses display, get_ipython, which it does not define"):
        run_cell(shell, f"%%method half\n{HALF}\ndisplay(advantage)\nget_ipython()")
