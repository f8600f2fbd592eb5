"""What every registered task keeps to."""

import importlib.util
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from workbench import registry
from workbench.kinds import Reward, Task
from workbench.tasks.chained import Chained
from workbench.tasks.choices import Choices
from workbench.tasks.gsm8k import Gsm8k
from workbench.tasks.jsonl import Jsonl
from workbench.tasks.levels import Levels
from workbench.tasks.minds import Minds
from workbench.tasks.mixture import Mixture
from workbench.tasks.np_hard import NpHard
from workbench.tasks.ranked_solutions import RankedSolutions
from workbench.tasks.reasoning_gym import ReasoningGym
from workbench.tasks.small_programs import SmallPrograms
from workbench.tasks.solution_puzzles import SolutionPuzzles
from workbench.tasks.sums import Sums
from workbench.tasks.two_numbers import TwoNumbers
from workbench.tasks.variants import Variants
from workbench.tasks.word_problems import WordProblems
from workbench.types import Problem, Request, Rollout

registry.load()
LOOKED_AT = 60  # problems of each split


@dataclass(frozen=True)
class Example:
    """A task to try, with its usual reward and how an answer is written for it."""

    make: Callable[[Path], Task]
    reward: str
    written: Callable[[Problem], str]
    other: Callable[[Problem], str] = lambda problem: str(int(problem.answer) + 1)  # an incorrect answer


def rows(path: Path, question: str, answer: str) -> str:
    path.write_text(
        "".join(json.dumps({question: f"{n} + 1?", "answer": answer.format(n + 1)}) + "\n" for n in range(40))
    )
    return str(path)


def pairs(path: Path) -> str:
    lines = [{"prompt": f"{n} + 1?", "chosen": f"{n + 1}", "rejected": f"{n + 2}"} for n in range(20)]
    path.write_text("\n".join(map(json.dumps, lines)))
    return str(path)


def templates(path: Path) -> str:
    row = {"variables": {"a": {"low": 2, "high": 90}}, "answer": "a + 3"}
    path.write_text("\n".join(json.dumps({"template": f"Item {n}: {{a}} and 3?", **row}) for n in range(6)))
    return str(path)


def gym(dataset: str) -> ReasoningGym:
    if importlib.util.find_spec("reasoning_gym") is None:
        pytest.skip("reasoning-gym is not installed: pip install 'rlvr-workbench[tasks]'")
    return ReasoningGym(dataset)


#: Every task of the registry: a new one is entered here.
EXAMPLES = {
    "sums": Example(lambda folder: Sums(level=2, seed=3), "exact", lambda problem: f"answer: {problem.answer}"),
    "small_programs": Example(
        lambda folder: SmallPrograms(lines=3),
        "by_running",
        lambda problem: f"answer: {problem.answer}",
        lambda problem: "0.5",  # neither an output, nor an input, nor a program
    ),
    "two_numbers": Example(lambda folder: TwoNumbers(), "math", lambda problem: f"The answer is {problem.answer}."),
    "word_problems": Example(
        lambda folder: WordProblems(level=1), "exact", lambda problem: f"so\nanswer: {problem.answer}"
    ),
    "jsonl": Example(
        lambda folder: Jsonl(rows(folder / "x", "prompt", "{}")), "math", lambda problem: f"\\boxed{{{problem.answer}}}"
    ),
    "minds": Example(
        lambda folder: Minds(),
        "exact",
        lambda problem: f"answer: {problem.answer}",
        lambda problem: next(place for place in problem.data["places"] if place != problem.answer),
    ),
    "levels": Example(
        lambda folder: Levels((Sums(level=1), Sums(level=3))), "exact", lambda problem: f"answer: {problem.answer}"
    ),
    "ranked_solutions": Example(
        lambda folder: RankedSolutions(Sums(level=2)), "exact", lambda problem: f"answer: {problem.answer}"
    ),
    "solution_puzzles": Example(
        lambda folder: SolutionPuzzles(WordProblems(level=2)),
        "solution_puzzles",
        lambda problem: f"answer: {problem.answer}",
        lambda problem: "1; 1",
    ),
    "gsm8k": Example(
        lambda folder: Gsm8k(path=rows(folder / "x", "question", "so\n#### 1,0{:02d}")),
        "math",
        lambda problem: f"It is \\boxed{{{problem.answer}}}.",
    ),
    "mixture": Example(
        lambda folder: Mixture({"one": Sums(level=1), "two": Sums(level=2)}, {"two": 2.0}),
        "exact",
        lambda problem: f"answer: {problem.answer}",
    ),
    "chained": Example(
        lambda folder: Chained(Sums(level=1), 3),
        "all_boxes",
        lambda problem: " then ".join(f"\\boxed{{{each}}}" for each in problem.answer.split(", ")),
        lambda problem: problem.answer + "0",
    ),
    "choices": Example(
        lambda folder: Choices(pairs(folder / "x")),
        "math",
        lambda problem: f"\\boxed{{{problem.answer}}}",
        lambda problem: "AB".replace(problem.answer, ""),
    ),
    "variants": Example(
        lambda folder: Variants(templates(folder / "x")), "math", lambda problem: f"\\boxed{{{problem.answer}}}"
    ),
    "np_hard": Example(
        lambda folder: NpHard("clique", "tiny"),
        "np_hard",
        lambda problem: f"<answer>{problem.answer}</answer>",
        lambda problem: problem.answer.replace("[", "[9, "),
    ),
    "reasoning_gym": Example(
        lambda folder: gym("chain_sum"), "reasoning_gym", lambda problem: f"<answer>{problem.answer}</answer>"
    ),
}
every_task = pytest.mark.parametrize("name", sorted(Task.registry))


def problems(task: Task, split: str) -> list[Problem]:
    """The first problems of a split."""
    size = task.size(split)  # type: ignore[arg-type]
    return [task.problem(n, split) for n in range(LOOKED_AT if size is None else min(size, LOOKED_AT))]  # type: ignore[arg-type]


@pytest.fixture
def task(name: str, tmp_path: Path) -> Task:
    if name not in EXAMPLES:
        pytest.skip(f"{name} was defined by another test") if not Task.registry[name].__module__.startswith(
            "workbench."
        ) else None
    return EXAMPLES[name].make(tmp_path)


@every_task
def test_the_same_number_gives_the_same_problem(task: Task) -> None:
    for split in ("train", "test"):
        assert problems(task, split) == problems(task, split)
        assert problems(type(task)(**task.fields()), split) == problems(task, split)


@every_task
def test_keys_are_unique_and_splits_share_nothing(task: Task) -> None:
    train, test = problems(task, "train"), problems(task, "test")
    assert train
    assert test
    assert len({problem.key for problem in train + test}) == len(train + test)
    assert not {problem.prompt for problem in train} & {problem.prompt for problem in test}


@every_task
def test_prompts_and_answers_are_texts_and_places_are_told(task: Task) -> None:
    assert task.check() == []
    for split in ("train", "test"):
        for number, problem in enumerate(problems(task, split)):
            assert problem.prompt.strip()
            assert problem.answer.strip()
            assert task.place(number, split).strip()
            assert task.system(number, split) is None
            json.dumps(dict(problem.data))
    assert task.version() == task.version()


@every_task
def test_a_number_beyond_a_split_is_refused(task: Task) -> None:
    size = task.size("train")
    if size is not None:
        with pytest.raises(ValueError, match=f"it has {size}"):
            task.problem(size, "train")


@every_task
def test_the_reference_answer_is_correct_and_another_is_not(name: str, task: Task) -> None:
    example = EXAMPLES[name]
    reward = Reward.parse(example.reward)
    for problem in problems(task, "train")[:8]:
        other = Problem(problem.key, problem.prompt, example.other(problem), problem.data)
        texts = [example.written(problem), example.written(other)]
        request = Request(problem, (1,), 0, 0, n=2)
        rollouts = [Rollout(request, n, [1], text, [0.0], [0.0], "stop") for n, text in enumerate(texts)]
        correct, incorrect = reward(problem, rollouts, None)
        assert (correct.correct, incorrect.correct) == (True, False), (texts, correct, incorrect)
        assert correct.value > incorrect.value
