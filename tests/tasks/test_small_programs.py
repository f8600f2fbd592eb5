"""Small programs from three sides."""

from collections import Counter
from random import Random

import pytest

from tests.rewards.reward_examples import make_rollout
from workbench.problems.programs.asking import KINDS
from workbench.problems.programs.drawing import LARGEST, LINES, LONGEST, draw, split_of, tame
from workbench.rewards.by_running import ByRunning
from workbench.sandbox.small import parse
from workbench.sandbox.values import read
from workbench.tasks.small_programs import SmallPrograms


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_shown_and_what_is_kept(kind: str) -> None:
    for number in range(40):
        problem = SmallPrograms(asks=kind, lines=3).problem(number, "train")  # type: ignore[arg-type]
        program, pairs = parse(problem.data["program"]), [tuple(map(read, pair)) for pair in problem.data["pairs"]]
        assert all(program(given) == result for given, result in pairs)
        (score,) = ByRunning()(problem, [make_rollout(problem.data["solution"])], None)
        assert score.correct
        (given, result), *_ = problem.data["pairs"]
        shown = problem.prompt.splitlines()
        if kind == "predict":
            assert shown == ["run", problem.data["program"], f"x = {given}"]
            assert problem.answer == result
        elif kind == "find":
            assert shown == ["find", problem.data["program"], f"f(x) = {result}"]
        else:
            assert shown == ["write", *(f"f({given}) = {result}" for given, result in problem.data["pairs"][:3])]
            assert len({given for given, _ in problem.data["pairs"]}) == 6
            assert problem.data["program"] not in problem.prompt


def test_all_draws_each_kind_and_levels_of_lines() -> None:
    problems = [SmallPrograms(lines=4).problem(number, "train") for number in range(300)]
    kinds = Counter(problem.data["kind"] for problem in problems)
    assert set(kinds) == set(KINDS)
    assert min(kinds.values()) > 60
    assert {problem.data["lines"] for problem in problems} == {1, 2, 3, 4}


def test_requests_in_english_hold_a_block_of_code() -> None:
    for kind in KINDS:
        prompt = SmallPrograms(asks=kind, wording="spoken").problem(0, "train").prompt
        assert ("```python\ndef f(x):\n    x = " in prompt) is (kind != "write")
        assert ("answer: VALUE" in prompt) is (kind != "write")


def test_a_program_belongs_to_one_split() -> None:
    for split in ("train", "test"):
        drawn = [draw(Random(seed), 2, split) for seed in range(50)]  # type: ignore[arg-type]
        assert {split_of(each.program) for each in drawn} == {split}


def test_every_line_can_be_drawn_and_every_value_is_small() -> None:
    programs = " ".join(draw(Random(seed), 3, "train").program for seed in range(2000))
    for forms in LINES.values():
        for form in forms:
            assert any(f"x = {form.format(d=digit)}" in programs for digit in range(1, 10)), form
    assert tame("def f(x): x = x + x; return x", list(range(LONGEST // 2 + 1))) is None
    assert tame("def f(x): x = x * 9; return x", LARGEST // 9 + 1) is None
    assert tame("def f(x): x = max(x); return x", []) is None
    assert tame("def f(x): x = x + 1; return x", 4) == 5
