"""The nine verifiers of reasoning-gym that evaluate the answer, run in the sandbox behind the gate."""

import importlib.util
from pathlib import Path

import pytest

from workbench.sandbox.gate import FUNCTIONS, formula, literal
from workbench.sandbox.library import call_library

pytestmark = [
    pytest.mark.usefixtures("sandboxed"),
    pytest.mark.skipif(importlib.util.find_spec("reasoning_gym") is None, reason="reasoning-gym is not installed"),
]
SCORER = Path(__file__).with_name("gym_scorer.py")
LITERALS = ("binary_matrix", "n_queens", "spiral_matrix", "string_insertion")
FORMULAS = ("countdown", "intermediate_integration", "polynomial_multiplication", "puzzle24", "simple_integration")
ITEMS = 8


@pytest.mark.parametrize("name", [*LITERALS, *FORMULAS])
def test_references_are_correct_pass_the_gate_and_code_makes_no_file(name: str, tmp_path: Path) -> None:
    (made,) = call_library(SCORER, "items", [[name, ITEMS]])
    references = [str(item["answer"]) for item in made.value]
    scores = call_library(SCORER, "score", [[name, *pair] for pair in zip(made.value, references, strict=True)])
    assert [reply.value for reply in scores] == [1] * ITEMS, scores
    marks = [f"open('{tmp_path}/mark', 'w').close()", f"__import__('os').system('touch {tmp_path}/mark')"]
    attacked = call_library(SCORER, "score", [[name, made.value[0], mark] for mark in marks])
    assert not any(reply.value == 1 for reply in attacked)
    assert not (tmp_path / "mark").exists()
    assert all(formula(mark) and literal(mark) for mark in marks)
    if name in FORMULAS:
        known = FUNCTIONS | {"Integral"}  # one of its references is an integral
        assert [formula(reference, known) for reference in references] == [""] * ITEMS, references
