"""Which split a problem about a program belongs to."""

from random import Random

import pytest

from workbench.problems.programs.asking import KINDS, belongs, draw_problem, prompt
from workbench.problems.programs.drawing import Drawn, split_of
from workbench.tasks.small_programs import SmallPrograms


@pytest.mark.parametrize("kind", KINDS)
def test_the_splits_share_no_prompt_and_no_program_of_several_lines(kind: str) -> None:
    prompts, programs = {}, {}
    for split in ("train", "test"):
        drawn = [draw_problem(Random(seed), kind, 1 + seed % 3, split) for seed in range(400)]  # type: ignore[arg-type]
        assert {belongs(kind, each) for each in drawn} == {split}  # type: ignore[arg-type]
        prompts[split] = {prompt(kind, each) for each in drawn}  # type: ignore[arg-type]
        programs[split] = {each.program for each in drawn if each.program.count(";") > 1}
    assert not prompts["train"] & prompts["test"]
    assert not programs["train"] & programs["test"]
    assert len(prompts["test"]) > 200


def test_programs_of_one_line_are_in_both_splits() -> None:
    found = {
        split: {SmallPrograms(lines=1).problem(number, split).data["program"] for number in range(400)}  # type: ignore[arg-type]
        for split in ("train", "test")
    }
    assert len(found["train"] & found["test"]) > 60


def test_a_problem_to_write_needs_program_and_prompt_in_the_split() -> None:
    seen = set()
    for seed in range(300):
        drawn = draw_problem(Random(seed), "predict", 2, "train" if seed % 2 else "test")
        drawn = Drawn(drawn.program, drawn.inputs * 6, drawn.outputs * 6)
        splits = {split_of(drawn.program), split_of(prompt("write", drawn))}
        assert belongs("write", drawn) == (splits.pop() if len(splits) == 1 else "neither")
        seen.add(belongs("write", drawn))
    assert seen == {"train", "test", "neither"}
