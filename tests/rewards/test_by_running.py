"""`by_running`: outputs, inputs and programs, checked by running."""

import math

import pytest

from tests.rewards.reward_examples import make_rollout
from workbench.config import RunConfig
from workbench.rewards.by_running import ByRunning
from workbench.sandbox.jobs import NoSandboxError
from workbench.sandbox.probe import why_not
from workbench.types import Problem, Score

PROGRAM = "def f(x): x = [v + 1 for v in x]; x = sum(x); return x"
PAIRS = [["[1, 2]", "5"], ["[0]", "1"], ["[]", "0"], ["[4, 4]", "10"]]


@pytest.fixture(params=["exact", "sandboxed"])
def reward(request: pytest.FixtureRequest) -> ByRunning:
    if request.param == "sandboxed" and why_not():
        pytest.skip(why_not())
    return ByRunning(executor=request.param, seconds=0.4)


def scores(reward: ByRunning, kind: str, *texts: str) -> list[Score]:
    problem = Problem("1", "", "", {"kind": kind, "program": PROGRAM, "pairs": PAIRS})
    return reward(problem, [make_rollout(text, number) for number, text in enumerate(texts)], None)


def test_the_output_is_compared_as_a_value(reward: ByRunning) -> None:
    texts = [
        "[2, 3]; 5\nanswer: 5",
        "answer: 4\nanswer: `5`",
        "answer: 5.0",
        "answer: 6",
        "5",
        "answer: 2 + 3",
        "answer: [5]",
    ]
    found = scores(reward, "predict", *texts)
    assert [each.value for each in found] == [1, 1, 1, 0, 0, 0, 0]
    assert found[3].reason == "read 6, expected 5"
    assert found[4].reason == "nothing stands behind 'answer:'"
    assert "only literals are read" in found[5].reason


def test_any_input_that_gives_the_output_is_correct(reward: ByRunning) -> None:
    texts = ["answer: [1, 2]", "answer: [4]", "answer: [0, 0, 0, 0, 0]", "answer: [5]", "answer: 4", "answer: f", ""]
    found = scores(reward, "find", *texts)
    assert [each.value for each in found] == [1, 1, 1, 0, 0, 0, 0]
    assert found[3].reason == "f([5]) gave 6, not 5"
    assert "no value" in found[5].reason


def test_an_input_is_no_place_for_code(reward: ByRunning) -> None:
    code = [
        "[v for v in (1, 2)]",
        "(lambda: [1, 2])()",
        "__import__('os').write(1, b'{\"value\": \"5\"}')",
        "[1, 2][:]",
    ]
    assert [each.value for each in scores(reward, "find", *(f"answer: {each}" for each in code))] == [0] * 4


def test_a_program_must_fit_the_hidden_pairs_too(reward: ByRunning) -> None:
    programs = [
        PROGRAM,
        "def f(x): return sum(x) + len(x)",
        "def f(x): return 5",
        "def f(x): return [5, 1, 0][len(x) - 2]",
        "def f(x): return sum(x",
        "def g(x): return x",
        "def f(x): return sum(x) + len(x) + x[0] - x[0]",
    ]
    found = scores(reward, "write", *(f"answer: {program}" for program in programs))
    assert [each.value for each in found] == [1, 1, 0, 0, 0, 0, 0]
    assert found[0].reason == "holds for 4 of 4 pairs"
    assert found[2].reason == "f([0]) gave 5, not 1"
    assert "IndexError" in found[6].reason
    assert [each.correct for each in found[:3]] == [True, True, False]


def test_blocks_of_code_are_programs(reward: ByRunning) -> None:
    (found,) = scores(reward, "write", "Here:\n```python\ndef f(x):\n    x = sum(x) + len(x)\n    return x\n```")
    assert found.value == 1


def test_attacks_earn_nothing(reward: ByRunning) -> None:
    programs = [
        "def f(x):\n    while True: pass",
        "import os\nos._exit(0)",
        "class A(int):\n    def __eq__(self, other): return True\ndef f(x): return A(3)",
        "def f(x): return [1] * 10**9",
        "print(5)",
        "",
    ]
    found = scores(reward, "write", *(f"```\n{program}\n```" for program in programs))
    assert [(each.value, each.correct) for each in found] == [(0.0, False)] * 6
    assert all(each.reason for each in found)


def test_other_problems_are_unscored() -> None:
    problem = Problem("1", "", "42", {"kind": "sum"})
    (found,) = ByRunning()(problem, [make_rollout("answer: 42")], None)
    assert math.isnan(found.value)
    assert "kind = 'sum'" in found.reason


def test_only_the_sandboxed_executor_needs_a_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    def unavailable() -> None:
        raise NoSandboxError("no bubblewrap")

    monkeypatch.setattr("workbench.sandbox.probe.require", unavailable)
    tables = {"task": {"task": "small_programs"}, "method": {"method": "grpo"}}
    assert not RunConfig(**tables, rewards=[{"reward": "by_running"}]).errors()
    sandboxed = RunConfig(**tables, rewards=[{"reward": "by_running", "executor": "sandboxed"}])
    assert sandboxed.errors() == ["rewards.by_running: no bubblewrap"]
