"""Proposals of problems about small programs: what is asked, what is taken, what is refused and why."""

from random import Random

import pytest

from tests.rewards.reward_examples import make_rollout
from workbench.problems.programs.asking import KINDS, lines_of, posed
from workbench.problems.programs.drawing import Drawn, canonical, draw, split_of
from workbench.problems.programs.proposals import CHARACTERS, Refusal, parse_proposal, proposal_prompt
from workbench.rewards.by_running import ByRunning
from workbench.sandbox.values import written
from workbench.tasks.small_programs import SmallPrograms

PLUS = "def f(x): x = x + 2; return x"


def test_drawn_programs_are_written_as_canonical_writes_them() -> None:
    for seed in range(300):
        program = draw(Random(seed), 1 + seed % 4, "train").program
        assert canonical(program) == program


@pytest.mark.parametrize(
    "spelling",
    [
        "def f(x): return x + 2",
        "def f(x): x=x+2; return x",
        "def f(x):\n    x = (x + 2)\n    return x",
        "def f(x):\n    # a comment\n    return x + 2",
        "def f(x):\n\tx = x \\\n + 0x2\n\treturn (x)",
    ],
)
def test_another_spelling_is_the_same_program(spelling: str) -> None:
    assert canonical(spelling) == PLUS


@pytest.mark.parametrize("wording", ["short", "spoken"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_proposer_is_shown_its_references(kind: str, wording: str) -> None:
    prompt = proposal_prompt(kind, [(PLUS, "7")], wording)  # type: ignore[arg-type]
    assert "x + 2" in prompt
    assert ("x = 7" in prompt) is (kind != "write")
    assert "x = x + 2; return x\n" in prompt or wording == "spoken"


def test_write_is_about_one_program() -> None:
    with pytest.raises(ValueError, match="give the one program it is about, not 2 references"):
        proposal_prompt("write", [(PLUS, "7")] * 2)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_taken_is_a_problem_of_the_train_split(kind: str) -> None:
    taken = refused = 0
    for seed in range(200):
        drawn = draw(Random(seed), 2, "train" if seed % 2 else "test", 6 if kind == "write" else 1)
        inputs = [written(each) for each in drawn.inputs]
        text = "; ".join(inputs) if kind == "write" else f"{drawn.program}\nx = {inputs[0]}"
        found = parse_proposal(kind, text, drawn.program)  # type: ignore[arg-type]
        if isinstance(found, Refusal):
            assert found.fault in ("held out", "plain")
            assert found.fault == "plain" or split_of(drawn.program) == "test" or kind == "write"
            refused += 1
            continue
        taken += 1
        assert split_of(drawn.program) == "train"
        assert found == drawn
        problem = posed(kind, found, "key")  # type: ignore[arg-type]
        (score,) = ByRunning()(problem, [make_rollout(f"answer: {problem.answer}")], None)
        assert score.correct
    assert taken > 50
    assert refused > 50


def test_a_proposal_in_words_is_a_block_and_an_input() -> None:
    text = "```python\ndef f(x):\n    return sum(x)\n```\n\nx = [3, 12]\n"
    assert parse_proposal("predict", text) == Drawn("def f(x): x = sum(x); return x", ([3, 12],), (15,))


@pytest.mark.parametrize(
    ("text", "fault", "reason"),
    [
        ("", "form", "does not end with a line 'x = VALUE'"),
        (PLUS, "form", "does not end"),
        (f"{PLUS}\ny = 3", "form", "does not end"),
        (f"{PLUS}\nx = ", "form", "does not end"),
        ("x = 3", "form", "does not end"),
        ("\nx = 3", "program", "not one function"),
        (f"{PLUS}\nx = 3" + " " * CHARACTERS, "form", f"at most {CHARACTERS}"),
        (f"```\n{PLUS}\nx = 3", "form", "not one closed block"),
        (f"```c\n{PLUS}\n```\nx = 3", "form", "not one closed block"),
        ("def f(x) x = x + 1; return x\nx = 3", "program", "does not parse"),
        (f"{PLUS}\n{PLUS}\nx = 3", "program", "not one function"),
        (f"import os\n{PLUS}\nx = 3", "program", "not one function"),
        ("def f(x): x = open(x); return x\nx = 3", "program", "not in the language"),
        ("def f(x): x = x ** 9; return x\nx = 3", "program", "not in the language"),
        ("def f(x): x = [[[[x]]]]; return x\nx = 3", "error", "TypeError"),
        (f"def f(x): x = {'[' * 150}x{']' * 150}; return x\nx = 3", "error", "TypeError"),
        (f"{PLUS}\nx = 'a'", "input", "no value of the language"),
        (f"{PLUS}\nx = True", "input", "no value of the language"),
        (f"{PLUS}\nx = 1000", "input", "a number beyond 999"),
        (f"{PLUS}\nx = {[1] * 13}", "input", "a list longer than 12"),
        (f"{PLUS}\nx = __import__('os')", "input", "only literals"),
        (f"{PLUS}\nx = [1]", "error", "TypeError"),
        ("def f(x): x = x[5]; return x\nx = [1]", "error", "IndexError"),
        ("def f(x): x = x + x; x = x + x; x = x + x; x = x + x; return x\nx = [1]", "error", "BoundError"),
    ],
)
def test_what_is_refused(text: str, fault: str, reason: str) -> None:
    for kind in ("predict", "find"):
        found = parse_proposal(kind, text)  # type: ignore[arg-type]
        assert isinstance(found, Refusal)
        assert found.fault == fault
        assert reason in found.reason


@pytest.mark.parametrize(
    ("text", "fault", "reason"),
    [
        ("", "input", "is no value"),
        ("1; 2; 3; 4; 5", "input", "5 different inputs, where 6"),
        ("1; 2; 3; 4; 5; 5; 5", "input", "5 different inputs, where 6"),
        ("1; 2; 3\n4; 5; 6", "input", "several lines"),
        ("1; 2; 3; 4; 5; [6]", "error", "TypeError"),
        ("1; 2; 3; 4; 5; x", "input", "no value"),
    ],
)
def test_what_inputs_are_refused(text: str, fault: str, reason: str) -> None:
    found = parse_proposal("write", text, PLUS)
    assert isinstance(found, Refusal)
    assert (found.fault, found.held_out) == (fault, False)
    assert reason in found.reason


def test_the_first_six_different_inputs_count() -> None:
    found = parse_proposal("write", "1; 2; 2; 3; 4; 5; 1; 6; 7", PLUS)
    assert found == Drawn(PLUS, (1, 2, 3, 4, 5, 6), (3, 4, 5, 6, 7, 8))


def test_outputs_that_are_all_the_same_show_no_rule() -> None:
    found = parse_proposal("write", "[1]; [2]; [3]; [4, 5]; []; [6]", "def f(x): x = len(x); return x")
    assert isinstance(found, Refusal)
    assert found.fault == "plain"


def test_another_spelling_does_not_evade_the_split() -> None:
    seen = 0
    for seed in range(60):
        drawn = draw(Random(seed), 2, "test")
        spelling = lines_of(drawn.program).replace(" = ", "=").replace(", ", ",").replace(" + ", "+")
        found = parse_proposal("predict", f"{spelling}\nx = {written(drawn.inputs[0])}")
        assert spelling != drawn.program
        assert isinstance(found, Refusal)
        seen += found.held_out
    assert seen == 60


def test_no_problem_of_the_test_split_can_be_proposed() -> None:
    for number in range(200):
        problem = SmallPrograms(lines=3).problem(number, "test")
        program, pairs = problem.data["program"], problem.data["pairs"]
        text = "; ".join(given for given, _ in pairs) if len(pairs) > 1 else f"{program}\nx = {pairs[0][0]}"
        found = parse_proposal(problem.data["kind"], text, program)
        assert isinstance(found, Refusal)
        assert found.held_out
