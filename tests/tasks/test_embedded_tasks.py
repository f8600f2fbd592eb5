"""The tasks of the embedded model: drawn from a seed, readable, with splits that share nothing."""

import re
from itertools import pairwise, product
from random import Random

import pytest

from workbench.kinds import Task
from workbench.tasks.chains import LIMIT, Chain, draw
from workbench.tasks.sums import TEMPLATES, Sums
from workbench.tasks.traces import Habits, trace
from workbench.tasks.word_problems import STORIES, WordProblems

TASKS = [kind(level=level) for kind, level in product((Sums, WordProblems), (1, 2, 3))]


def named(task: Task) -> str:
    return f"{task.name}-{task.fields()['level']}"


@pytest.mark.parametrize("task", TASKS, ids=named)
def test_problem_number_is_counted_from_the_seed(task):
    shifted = type(task).parse({"piece": task.name, **task.fields(), "seed": 7})
    assert shifted.problem(3, "train") == task.problem(10, "train")
    assert task.problem(3, "train") == task.problem(3, "train")
    assert task.problem(3, "train") != task.problem(4, "train")


@pytest.mark.parametrize("task", TASKS, ids=named)
def test_answer_follows_from_the_numbers_and_the_prompt_shows_them(task):
    for number in range(200):
        problem = task.problem(number, "train")
        numbers, operations = problem.data["numbers"], problem.data["operations"]
        written = str(numbers[0]) + "".join(f"{sign}{n}" for sign, n in zip(operations, numbers[1:], strict=True))
        assert problem.answer == str(eval(written))
        assert sorted(map(int, re.findall(r"\d+", problem.prompt))) == sorted(numbers)
        assert len(operations) == task.level == problem.data["level"]
        assert problem.prompt.endswith(("?\n", ".\n"))
        assert "{" not in problem.prompt


@pytest.mark.parametrize("task", TASKS, ids=named)
def test_splits_share_no_calculation(task):
    def calculations(split, seed):
        problems = [type(task)(level=task.level, seed=seed).problem(number, split) for number in range(600)]
        return {(tuple(p.data["numbers"]), tuple(p.data["operations"])) for p in problems}

    assert not calculations("train", 0) & calculations("test", 5)


@pytest.mark.parametrize("kind", [Sums, WordProblems])
def test_every_template_and_keys_of_its_own(kind):
    problems = [kind().problem(number, split) for split in ("train", "test") for number in range(300)]
    assert len({problem.key for problem in problems}) == len(problems)
    assert len({p.data["template"] for p in problems}) == (len(TEMPLATES) if kind is Sums else len(STORIES))


def test_results_stay_between_one_and_the_limit():
    random = Random(3)
    for level in (1, 2, 3):
        for _ in range(500):
            chain = draw(random, level, "test")
            assert all(1 <= value <= LIMIT for value in (*chain.results, *chain.numbers))
            assert "*" not in chain.operations[1:]


@pytest.mark.parametrize("level", [0, 4])
def test_level_out_of_bounds_is_refused(level):
    with pytest.raises(ValueError, match=r"sums\.level"):
        Sums(level=level)


def test_traces_worked_by_hand():
    problem = WordProblems().problem(0, "train")
    chain = Chain(tuple(problem.data["numbers"]), tuple(problem.data["operations"]))
    careful = {trace(problem, Habits(steps=1.0, slip=0.0), Random(seed)) for seed in range(20)}
    first, second = chain.steps
    assert careful == {
        f"{first}. {second}.\nanswer: {problem.answer}",
        f"First {first}. Then {second}.\nanswer: {problem.answer}",
    }
    assert trace(problem, Habits(steps=0.0, right=1.0), Random(1)).endswith(f"answer: {problem.answer}")
    wrong = {trace(problem, Habits(steps=0.0, right=0.0), Random(seed)) for seed in range(50)}
    assert not any(text.endswith(f"answer: {problem.answer}") for text in wrong)


def test_a_slip_is_carried_on():
    problem = Sums(level=3).problem(1, "train")
    for seed in range(50):
        text = trace(problem, Habits(steps=1.0, slip=1.0), Random(seed))
        equations = re.findall(r"(\d+) ([-+*]) (\d+) = (\d+)", text)
        assert len(equations) == 3
        for before, after in pairwise(equations):
            assert before[3] == after[0]
        assert text.endswith(f"answer: {equations[-1][3]}")
