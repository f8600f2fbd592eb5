"""MR-RLVR: puzzles of solutions, and the published rewards."""

import math
from dataclasses import dataclass
from typing import Any

import pytest

from tests.rewards.asking_bench import rollouts_of, scores
from workbench.kinds import Task
from workbench.rewards.solution_puzzles import SolutionPuzzles as Paid
from workbench.tasks.solution_puzzles import SolutionPuzzles
from workbench.types import Problem


@dataclass(frozen=True)
class Solved(Task):
    """Two problems with solutions."""

    solution: str = "First 3 + 4 = 7.\nThen 7 * 2 = 14.\nSo it is 14."

    def problem(self, number: int, split: Any) -> Problem:
        return Problem(f"s{number}", "Q?", "14", {"solution": self.solution})

    def size(self, split: Any) -> int | None:
        return 2


@pytest.fixture(autouse=True)
def _registry_as_before() -> Any:
    yield
    Task.registry.pop("solved", None)


def test_puzzles_are_made_of_the_solution_and_the_same_again() -> None:
    task = SolutionPuzzles(Solved(), masks=2)
    fill, order = task.problem(0, "train"), task.problem(1, "train")
    assert task.size("train") == 4
    assert (fill.source, order.source) == ("fill", "order")
    text = fill.prompt
    for number, gold in enumerate(fill.data["gold"], start=1):
        assert f"[{number}]" in text
        text = text.replace(f"[{number}]", gold)
    assert "First 3 + 4 = 7.\nThen 7 * 2 = 14.\nSo it is 14." in text
    shown = order.prompt.split("Q?\n\n")[1].splitlines()
    steps = [shown[int(number) - 1].partition(") ")[2] for number in order.data["gold"]]
    assert steps == Solved().solution.splitlines()
    assert task.problem(1, "train") == order
    assert task.check() == []


def test_a_task_without_solutions_is_refused() -> None:
    assert "holds no solution" in SolutionPuzzles(Solved(solution="none")).check()[0]


def values(reward: Paid, data: dict[str, Any], *texts: str) -> list[float]:
    """The scores of texts."""
    problem = Problem("p", "Q?", "", data)
    return [score.value for score in scores(reward, problem, rollouts_of(problem, *texts), None)]


def test_as_published() -> None:
    fill = {"puzzle": "fill", "gold": ["x=3", "12", "y^2"]}
    assert values(Paid(), fill, "answer: x=3; 13; y^2", "answer: x=3; 12; y^2") == pytest.approx(
        [0.6667, 1.0], abs=1e-4
    )
    order = {"puzzle": "order", "gold": ["1", "2", "3", "4"]}
    assert values(Paid(), order, "answer: 1; 3; 2; 4") == [0.5]
    assert values(Paid(order="pairs"), order, "answer: 1; 3; 2; 4") == pytest.approx([0.8333], abs=1e-4)


def test_what_cannot_be_farmed() -> None:
    order = {"puzzle": "order", "gold": ["1", "2", "3"]}
    assert (
        values(Paid(), order, "answer: 1; 1; 1", "answer: 1; 2", "answer: 1; 2; 3; 4", "no end", "answer:") == [0.0] * 5
    )
    fill = {"puzzle": "fill", "gold": ["3 + 4 = 7"]}
    assert values(Paid(), fill, "answer: 3 + 4 = 7", "answer: " + "9" * 5000) == [1.0, 0.0]
    assert math.isnan(values(Paid(), {}, "answer: 1")[0])
    assert "is no puzzle" in Paid().refuses(Problem("p", "Q?", "1"))
