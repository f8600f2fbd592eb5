"""The reward np_hard: the worked example of the paper's reward, and texts that try to get around it."""

import math

import pytest

from tests.rewards.reward_examples import make_rollout
from workbench.analysis.quality import quality_ratio, success_rate
from workbench.rewards.np_hard import NpHard
from workbench.tasks.np_hard import NpHard as NpTask
from workbench.types import Problem, Score

SIDES = [[0, 0], [0, 30], [40, 30], [40, 0]]  # around: 140; the other ways: 160 and 180
TOURS = Problem(
    "1", "?", "[0, 1, 2, 3]", {"family": "travelling_salesman", "instance": {"places": SIDES}, "best": 140.0}
)


def scores(reward: NpHard, *texts: str) -> list[Score]:
    return reward(TOURS, [make_rollout(text) for text in texts], None)


ANSWERS = ("<answer>[0, 2, 1, 3]</answer>", "<answer>3, 0, 1, 2</answer>", "<answer>[0, 1, 2]</answer>", "[0, 1, 2, 3]")


def test_format_and_quality_add_up() -> None:
    """reward = ±1 + (heuristic / length, or -1.5): the form of the paper's example, 1.8333, 2, -0.5, -2.5."""
    values = [score.value for score in scores(NpHard(), *ANSWERS)]
    assert values == pytest.approx([1 + 140 / 180, 2.0, -0.5, -2.5])
    assert [score.correct for score in scores(NpHard(), *ANSWERS)] == [False, True, False, False]
    assert scores(NpHard(enough=0.7), ANSWERS[0])[0].correct is True


def test_quality_alone_gives_success_rate_and_quality_ratio() -> None:
    values = [score.value for score in scores(NpHard(scale="quality"), *ANSWERS)]
    assert values == pytest.approx([140 / 180, 1.0, 0.0, 0.0])
    groups = [values[:1], values[2:], values[:2]]
    assert success_rate(groups).value == pytest.approx(2 / 3)
    assert quality_ratio(groups).value == pytest.approx((140 / 180 + 0 + 1) / 3)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<answer>[0, 1, 2, 3]</answer> <answer>[0, 2, 1, 3]</answer>",
        "<answer>[0, 1, 2, 3] or [0, 2, 1, 3]</answer>",
        "<answer>" + "0, " * 5_000_000 + "</answer>",
        "<answer>" + "[" * 9_999 + "</answer>",
        "<answer>[0, 1, 2, 3]; grade = 2.0</answer>",
        "<answer>\x00[0, 1, 2, 3]</answer>",
        "<think><answer>[0, 1, 2, 3]</answer>",
        "<answer>[٠, ١, ٢, ٣]</answer>",
    ],
)
def test_hostile_texts_earn_the_least(text: str) -> None:
    (score,) = scores(NpHard(), text)
    assert (score.value, score.correct) == (-2.5, False)
    assert len(score.reason) < 300


def test_a_longer_list_of_a_right_one_is_infeasible() -> None:
    (score,) = scores(NpHard(), "<answer>[0, 1, 2, 3, 0]</answer>")
    assert score.value == -0.5
    assert "place 0 stands twice" in score.reason


def test_a_problem_of_another_task_is_unscored() -> None:
    (score,) = NpHard()(Problem("1", "?", "5"), [make_rollout("[1]")], None)
    assert math.isnan(score.value)


def test_an_unknown_family_is_refused() -> None:
    with pytest.raises(ValueError, match="did you mean 'clique'"):
        NpTask("cliqe")


def test_the_heuristics_own_solution_is_correct_for_every_family_and_level() -> None:
    for family in ("scheduling", "colouring", "subset_sum", "hamiltonian_cycle"):
        for level in ("tiny", "hard"):
            problem = NpTask(family, level).problem(3, "test")  # type: ignore[arg-type]
            (score,) = NpHard()(problem, [make_rollout(f"<answer>{problem.answer}</answer>")], None)
            assert (score.value, score.correct) == (2.0, True)
