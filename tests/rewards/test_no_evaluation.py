"""No text of a model reaches `eval`, `exec` or a parser that evaluates, outside the sandbox: looked for, and tried."""

import ast
from pathlib import Path

import pytest

from scripts.sources import files, place, tree
from tests.rewards.reward_examples import make_group
from workbench import registry
from workbench.kinds import Reward
from workbench.rewards.scoring import score_group

registry.load()
EVALUATING = ("eval", "exec", "parse_expr", "sympify", "literal_eval", "S", "__import__")
#: Where one of them is called, and on what.
ALLOWED = {
    "workbench/cells/source.py": "a user's own cell",
    "workbench/rewards/grading/worker.py": "sympify, on what is a sympy object already, in a process of its own",
    "workbench/sandbox/zygote.py": "inside the sandbox",
}


def called(node: ast.AST) -> str:
    """The bare name of a function that is called, if a node is a call: `re.compile` is `compile`."""
    if not isinstance(node, ast.Call):
        return ""
    return node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")


def test_nothing_is_evaluated_but_where_it_may() -> None:
    found = {
        place(path)
        for path in files("workbench")
        for node in ast.walk(tree(path))
        if called(node) in EVALUATING and not (called(node) == "eval" and ast.unparse(node).endswith(".eval()"))
    }
    assert found == set(ALLOWED), f"evaluates text, or does so no longer: {found ^ set(ALLOWED)}"


@pytest.mark.parametrize("name", sorted(Reward.registry))
def test_code_in_an_answer_is_not_run_by_any_reward(name: str, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    code = f"open({str(mark)!r}, 'w').close()"
    forms = (
        code,
        rf"\boxed{{{code} or \pi}}",
        f"answer: [{code}]",
        f"<answer>{code}</answer>",
        f"```python\n{code}\n```",
    )
    try:
        reward = Reward.parse(name)
    except ValueError:
        pytest.skip(f"{name} needs fields: its own tests try it")
    for answer in ("5", r"\pi", "[1, 2]", "x + 1"):
        score_group([(name, reward, 1.0)], (), make_group(*forms, answer=answer), None, 10)
    assert not mark.exists()
