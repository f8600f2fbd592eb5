"""After a trial one line says what a method does to correct and incorrect rollouts; an error has no frames."""

import pytest

from tests.cells.cells import forgetting, run_cell, shell  # noqa: F401
from workbench import registry
from workbench.cells import MethodError, shown
from workbench.cells.effect import Effect, report

SURROGATE = """
from workbench.cells import method
from workbench.types import Batch, PerToken


@method("mine")
def mine(batch: Batch, ratio: PerToken, advantage: PerToken) -> PerToken:
    return {loss}
"""
BATCH = """
from workbench.cells import method
from workbench.ops import spread


@method("mine")
def mine(batch):
    return spread({value}, batch.mask)
"""


@pytest.mark.parametrize("key", ["grpo", "dapo", "gspo", "cispo", "dr_grpo", "rloo"])
def test_published_methods_push_correct_up_and_incorrect_down(key):
    effect = Effect.of(registry.find_method(key))
    assert (effect.correct, effect.incorrect) == ((4, 0, 4), (0, 4, 4))
    assert not effect.reversed


def test_no_published_method_looks_reversed():
    odd = [key for key, method in registry.methods().items() if Effect.of(method).reversed]
    assert not odd


def test_a_forgotten_minus_is_said(shell, capsys):  # noqa: F811
    run_cell(shell, "%%method mine\n" + SURROGATE.format(loss="ratio * advantage"))
    assert "WARNING, the sign looks reversed" in capsys.readouterr().out
    run_cell(shell, "%%method mine\n" + SURROGATE.format(loss="-ratio * advantage"))
    assert "WARNING" not in capsys.readouterr().out


def test_one_sided_methods_are_not_called_reversed():
    assert "WARNING" not in report("psr", registry.find_method("psr"))
    assert "WARNING" not in report("nsr", registry.find_method("nsr"))


@pytest.mark.parametrize("value", ["batch.rewards", "batch.reward[99, 3]", "undefined_thing"])
def test_an_error_is_shown_as_message_and_line(shell, value):  # noqa: F811
    with pytest.raises(MethodError) as caught:
        run_cell(shell, "%%method mine\n" + BATCH.format(value=value))
    told = shown.lines(caught.value)
    assert caught.value._render_traceback_() == told
    assert len(told) <= 2
    assert told[0].startswith("MethodError: ")
    if value != "undefined_thing":
        assert told[1] == f"  at line 8 of the cell: return spread({value}, batch.mask)"


def test_a_misspelt_attribute_is_answered_with_the_nearest(shell):  # noqa: F811
    with pytest.raises(MethodError, match=r"has no attribute 'rewards' \(did you mean 'reward'\?\)"):
        run_cell(shell, "%%method mine\n" + BATCH.format(value="batch.rewards"))


def test_the_notebook_prints_no_library_frame(shell, capsys):  # noqa: F811
    shell.run_cell("%%method mine\n" + BATCH.format(value="batch.rewards"))
    printed = capsys.readouterr()
    text = printed.out + printed.err
    assert "did you mean 'reward'" in text
    assert "workbench/cells" not in text
    assert len(text.strip().splitlines()) <= 4
