"""`unit_tests`: programs of completions against the tests of their problem."""

import json
import math

import pytest

from tests.rewards.reward_examples import make_rollout, score_text
from workbench.config import RunConfig
from workbench.rewards.unit_tests import UnitTests
from workbench.sandbox.jobs import NoSandboxError, Outcome
from workbench.types import Problem, Score

TESTS = json.dumps({"fn_name": "f", "inputs": [[0], [1], [3], [-2]], "outputs": [1, 2, 10, 5]})
PRINTED = json.dumps({"inputs": ["1\n", "3\n"], "outputs": ["2\n", "10\n"]})
HONEST = "def f(x):\n    return x * x + 1"


@pytest.fixture
def sandboxed() -> None:
    from workbench.sandbox.probe import why_not

    if why_not():
        pytest.skip(why_not())


def score(program: str, tests: str = TESTS, **fields: object) -> Score:
    return score_text(UnitTests(seconds=0.4, **fields), tests, f"Here:\n```python\n{program}\n```")  # type: ignore[arg-type]


@pytest.mark.usefixtures("sandboxed")
class TestPrograms:
    """What programs are worth."""

    def test_a_program_that_passes_all(self) -> None:
        assert score(HONEST) == Score(1.0, "4 of 4 tests passed", True)
        assert score("class Solution:\n    def f(self, x): return x * x + 1").value == 1
        assert score("x = int(input())\nprint(x * x + 1)", PRINTED).value == 1

    def test_all_or_nothing_and_share(self) -> None:
        program = "def f(x):\n    return x * x + 1 if x < 3 else 0"
        assert score(program).value == 0
        shared = score(program, credit="share")
        assert (shared.value, shared.correct) == (0.75, False)
        assert shared.reason == "3 of 4 tests passed; test 2: gave '0', expected '10'"

    def test_a_limit_keeps_what_passed_before(self) -> None:
        found = score("def f(x):\n    while x > 1: pass\n    return x * x + 1", credit="share")
        assert (found.value, found.correct) == (0.5, False)
        assert "0.4 s of processor time; 2 of 4 tests passed; test 2: 'never reached'" in found.reason

    @pytest.mark.parametrize(
        "program",
        [
            "print('4 of 4 tests passed')",
            "def f(x): return True",
            "class A(int):\n    def __eq__(self, other): return True\ndef f(x): return A(7)",
            "import os\nos._exit(0)",
            "raise SystemExit(0)",
            "def f(x): return open('/etc/passwd').read()",
            "def f(x): return [1, 2, 10, 5]",
            "def f(x) return 1",
            "def g(x): return x * x + 1",
        ],
    )
    def test_nothing_else_earns_anything(self, program: str) -> None:
        assert (score(program).value, score(program).correct) == (0.0, False)

    def test_programs_that_depend_on_the_order_of_a_set(self) -> None:
        tests = json.dumps({"fn_name": "f", "inputs": [[1]] * 9, "outputs": [1] * 9})
        fickle = "def f(x): return hash('a')"
        assert "run again" in score(fickle, tests, twice=True).reason

    def test_equal_programs_of_a_group_run_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        reward, asked = UnitTests(), []
        monkeypatch.setattr(
            "workbench.rewards.unit_tests.shared",
            lambda workers: type("Counting", (), {"run": lambda self, jobs: asked.append(jobs) or [Outcome("lost")]})(),
        )
        rollouts = [make_rollout(f"```\n{HONEST}\n```", n) for n in range(4)]
        scores = reward(Problem("1", "", TESTS), rollouts, None)
        assert [len(jobs) for jobs in asked] == [1]
        assert all(math.isnan(each.value) and each.correct is None for each in scores)
        assert all("expected" not in str(vars(job)) for job in asked[0])


def test_a_completion_without_a_program_is_incorrect_and_one_without_tests_unscored(sandboxed: None) -> None:
    assert score_text(UnitTests(), TESTS, "I do not know.") == Score(
        0.0, "no code block and nothing behind 'answer:'", False
    )
    unread = score_text(UnitTests(), "42", "```\nx\n```")
    assert math.isnan(unread.value)
    assert unread.reason == "unscored: the tests are neither a table nor a list"


def test_a_machine_without_sandbox_refuses_before_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    def unavailable() -> None:
        raise NoSandboxError("bubblewrap (bwrap) is not installed. install bubblewrap")

    monkeypatch.setattr("workbench.sandbox.probe.require", unavailable)
    config = RunConfig(task={"task": "sums"}, rewards=[{"reward": "unit_tests"}], method={"method": "grpo"})  # type: ignore[arg-type]
    assert config.errors() == ["rewards.unit_tests: bubblewrap (bwrap) is not installed. install bubblewrap"]
    assert not RunConfig(task={"task": "sums"}, rewards=[{"reward": "exact"}], method={"method": "grpo"}).errors()  # type: ignore[arg-type]
