"""RewardMATH: the card's worked numbers, corruptions that are never correct, and rewards that are told apart."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from tests.exams.test_exams import Call, call  # noqa: F401
from workbench import registry
from workbench.analysis.ranking import AGGREGATIONS, aggregate, rank, reciprocal_rank
from workbench.exams.reward_math import RewardMath
from workbench.kinds import Reward
from workbench.problems.corruptions import CORRUPTIONS, Solution, corrupted, wrong
from workbench.rewards.exact import Exact
from workbench.rewards.math import Math
from workbench.runs.checkpoints.grade_reward import grade_reward
from workbench.tasks.gsm8k import Gsm8k
from workbench.tasks.jsonl import Jsonl
from workbench.tasks.ranked_solutions import RankedSolutions
from workbench.tasks.sums import Sums
from workbench.tasks.word_problems import WordProblems
from workbench.types import Problem, Rollout, Score, Scorer

registry.load()
NAN = float("nan")


def test_ranks_and_aggregations_by_hand() -> None:
    assert (rank(0.91, [0.90] * 9), reciprocal_rank(0.91, [0.95, *[0.1] * 8])) == (1, 0.5)
    assert rank(0.5, [0.5, 0.4]) == 2  # a tie is a loss
    assert rank(NAN, [0.0, NAN]) == 3
    assert rank(0.0, [NAN, NAN]) == 1
    by_chance = sum(1 / place for place in range(1, 11)) / 10
    draws = Random(0)
    scores = [[draws.random() for _ in range(10)] for _ in range(20_000)]
    assert sum(reciprocal_rank(row[0], row[1:]) for row in scores) / len(scores) == pytest.approx(by_chance, abs=0.01)
    assert aggregate([0.5, 0.5], "mean of logits") == 0
    assert aggregate([0.0, 1.0], "mean of logits") == pytest.approx(0, abs=1e-6)
    assert aggregate([0.0, 1.0], "geometric mean") == pytest.approx(1e-3)
    with pytest.raises(ValueError, match="no steps"):
        aggregate([], "min")


@pytest.mark.parametrize("kind", sorted(CORRUPTIONS))
def test_each_corruption_changes_something_and_its_end_is_wrong(kind: str) -> None:
    found = Solution(("16 - 3 = 13", "13 * 2 = 26"), "26")
    made = [CORRUPTIONS[kind](found, Random(seed)) for seed in range(40)]
    assert all(other.text != found.text for other in made)
    assert sum(wrong(other.answer, "26") for other in made) >= 15  # the others are drawn again


def test_corruptions_are_different_and_never_correct() -> None:
    task = RankedSolutions(WordProblems(level=2), seed=3)
    for number in range(300):
        problem = task.problem(number, "test")
        texts, place = problem.data["solutions"], problem.data["correct"]
        assert len(set(texts)) == 10
        ends = [text.rpartition("answer: ")[2] for text in texts]
        assert ends[place] == problem.answer
        assert [end == problem.answer for end in ends].count(True) == 1
    kinds = {kind for number in range(300) for kind in task.problem(number, "test").data["kinds"]}
    assert kinds == {*CORRUPTIONS, "correct"}
    places = [task.problem(number, "test").data["correct"] for number in range(300)]
    assert set(places) == set(range(10))


def test_too_little_to_corrupt_is_told() -> None:
    with pytest.raises(ValueError, match="no whole number"):
        corrupted(Solution(("x",), "1/2"), 9, Random(0))
    with pytest.raises(ValueError, match=r"only .* different"):
        corrupted(Solution((), "5"), 99, Random(0))


@dataclass(frozen=True)
class Longest(Reward):
    """Prefers what is long."""

    def __call__(self, problem: Problem, rollouts: list[Rollout], scorer: Scorer | None) -> list[Score]:  # type: ignore[override]
        return [Score(float(len(rollout.text))) for rollout in rollouts]


@dataclass(frozen=True)
class Stepwise(Reward):
    """A process reward: a low step wherever a calculation is false, its own value uninformative."""

    def __call__(self, problem: Problem, rollouts: list[Rollout], scorer: Scorer | None) -> list[Score]:  # type: ignore[override]
        return [Score(0.0, per_token=tuple(steps(rollout.text, len(rollout.tokens)))) for rollout in rollouts]


def steps(text: str, length: int) -> list[float]:
    """A value for every calculation, nan elsewhere."""
    lines = [line.split(" = ") for line in text.splitlines() if " = " in line]
    values = [0.9 if value_of(left) == int(right) else 0.1 for left, right in lines]
    return [*values, *[NAN] * (length - len(values))]


def value_of(text: str) -> int:
    """A calculation of two numbers."""
    first, operation, second = text.split()
    return {"+": int.__add__, "-": int.__sub__, "*": int.__mul__}[operation](int(first), int(second))


def test_rewards_are_told_apart() -> None:
    task = WordProblems(level=2)
    exact = grade_reward(RewardMath(task, Exact()), 60)
    assert exact.measures["accuracy"].value == exact.measures["reciprocal rank"].value == 1
    assert all(each.value == 0 for name, each in exact.measures.items() if name.startswith(("accepted", "refused")))
    longest = grade_reward(RewardMath(task, Longest()), 60)
    assert longest.measures["accuracy"].value < 0.1
    assert "refused" not in longest.measures  # it grades nothing
    plain = grade_reward(RewardMath(task, Stepwise()), 60).measures
    assert plain["accuracy"].value == 0  # ten equal values: a tie is a loss
    least = grade_reward(RewardMath(task, Stepwise(), aggregation="min"), 60).measures
    assert least["accuracy"].value == 0  # it sees slips, and no wrong end
    assert least["reciprocal rank"].value > 1.5 * plain["reciprocal rank"].value
    assert {name for name in AGGREGATIONS if grade_reward(
        RewardMath(Sums(level=2), Stepwise(), aggregation=name), 4).measures["accuracy"].problems == 4  # type: ignore[arg-type]
    } == set(AGGREGATIONS)  # fmt: skip


def test_solutions_of_ones_own(tmp_path: Path, call: Call) -> None:  # noqa: F811
    row = {
        "problem": "16 - 3 - 4?",
        "answer": "9",
        "correct": r"So \boxed{9}.",
        "incorrect": [f"\\boxed{{{n}}}" for n in range(9)],
    }
    file = tmp_path / "own.jsonl"
    file.write_text("".join(json.dumps({**row, "problem": f"{row['problem']} ({n})"}) + "\n" for n in range(8)))
    exam = RewardMath(Jsonl(str(file), prompt="problem", test_share=0.5), Math())
    found = grade_reward(exam, 3)
    assert found.measures["accuracy"].value == 1
    assert found.measures["accepted given"].problems == 27
    file.write_text(
        json.dumps({**row, "incorrect": ["1"]}) + "\n" + json.dumps({**row, "problem": "b", "incorrect": ["1"]})
    )
    wrong = RewardMath(Jsonl(str(file), prompt="problem", test_path=str(file)), Math())
    with pytest.raises(ValueError, match="has 1 incorrect solutions"):
        grade_reward(wrong, 1)
    config = tmp_path / "exam.toml"
    config.write_text('exam = "reward_math"\n[asked]\ntask = "sums"\n[graded]\nreward = "exact"\n')
    code, text, _ = call("reward", config, "--problems", 8)
    assert (code, "accuracy" in text, "100.0%" in text) == (0, True, True)
    code, _, errors = call("reward", "np_hard")
    assert code == 2
    assert "examines a model" in errors


@pytest.mark.skipif("WORKBENCH_DATA" not in os.environ, reason="real problems: WORKBENCH_DATA is not set")
def test_gsm8k_solutions_are_corrupted_and_told_apart() -> None:
    path = str(Path(os.environ["WORKBENCH_DATA"]) / "gsm8k" / "test.jsonl")
    exam = RewardMath(Gsm8k(path, test_share=0.5), Math())
    found = grade_reward(exam, 60)
    assert found.measures["accuracy"].value == 1
    assert found.measures["accepted hedged"].value == 0
