"""RISE: its second round, the card's rewards by hand, and both halves in one step of a scripted engine."""

import math
from collections.abc import Sequence

import pytest

from tests.methods.rounds import Echo, make_round, scored
from tests.training.small_runs import make_settings, make_trainer, tiny_policy
from workbench.engines.scripted import ScriptedEngine
from workbench.methods.rise import ROLE, CheckOwn
from workbench.pieces.shaping import Outcome
from workbench.registry import find_method
from workbench.rewards.exact import Exact
from workbench.rewards.scoring import score_group, score_groups
from workbench.tasks.sums import Sums
from workbench.types import Group, Problem, Request, Rollout

RISE = find_method("rise")


def group_of(texts: list[str], answer: str) -> Group:
    request = Request(Problem("p", "3 + 4 =", answer), (1,), group=0, number=0, n=len(texts))
    rollouts = [Rollout(request, n, [1], text, [0.0], [0.0], "stop") for n, text in enumerate(texts)]
    return Group(0, request.problem, rollouts)


def test_the_cards_rewards_of_solutions_and_gradings() -> None:
    solutions = group_of(["answer: 7", "answer: 8", "answer: 9", "no idea"], "7")
    score_group([("exact", Exact(), 1.0)], RISE.shaping, solutions, None, 64)
    assert [each.reward for each in solutions.rollouts] == [1.0, -0.5, -0.5, -1.0]
    grades = ["answer: 1", "answer: -0.5", "answer: 1", "none"]
    found = []
    for solution, grade in zip(solutions.rollouts, grades, strict=True):
        graded = group_of([grade], f"{solution.reward:g}")
        score_group([("exact", Exact(), 1.0)], RISE.shaping, graded, None, 64)
        found.append(graded.rollouts[0].reward)
    assert found == [1.0, 1.0, -0.5, -1.0]


def test_what_was_not_scored_stays_so() -> None:
    assert math.isnan(Outcome()(group_of(["answer: 7"], "7"), [math.nan], 64)[0])


def test_drawn_solutions_are_asked_about_in_groups_of_their_own() -> None:
    groups = [scored(0, [1.0, 0.0]), scored(1, [0.0, math.nan])]
    orders = CheckOwn(solutions=2, gradings=3)({}, make_round(0, groups))
    assert len(orders.requests) == 2
    first = orders.requests[0]
    assert (first.n, first.role, first.parent, first.train) == (3, ROLE, (0, 0), True)
    assert first.problem.answer == "1"
    assert Echo().text(first.prompt).startswith("question 0\nanswer 0.\nWhat is this solution worth?")
    assert orders.requests[1].problem.answer == "0"
    assert {request.group for request in orders.requests} == {50, 51}
    assert not CheckOwn()({}, make_round(1, groups)).requests


@pytest.mark.parametrize(("rights", "expected"), [([0.0] * 7 + [1.0], 1), ([1.0, 0.0] * 4, 2), ([1.0] * 8, 4)])
def test_balanced_draws_have_as_many_correct_as_there_are_up_to_half(rights: list[float], expected: int) -> None:
    drawn = CheckOwn(solutions=4, balanced=True).drawn(make_round(0, [scored(0, rights)]))
    assert len(drawn) == 4
    assert sum(each.correct for each in drawn) == expected


def test_in_a_step_gradings_stand_apart_on_record_and_in_the_metrics() -> None:
    """The card's share of gradings: B_v of B problems, all with K rollouts: 1 / 9 for an eighth."""
    policy, task = tiny_policy(), Sums(level=1)
    problems = [task.problem(number, "train") for number in range(8)]
    answers = {each.key: [f"answer: {each.answer}", "answer: x", "none", "x"] for each in problems}
    answers |= {"check 1-0": ["answer: 1"]}
    engine = ScriptedEngine(policy.encoder, answers)

    def score(groups: Sequence[Group]) -> list[str]:
        return score_groups([("exact", Exact(), 1.0)], RISE.shaping, groups, None, 40)

    settings = make_settings(
        rollouts={"problems": 8, "rollouts": 4, "max_tokens": 40}, training={"steps": 1, "mismatch_limit": 0.0}
    )
    controller = CheckOwn(solutions=1, gradings=4)
    (step,) = list(make_trainer(RISE, settings, policy, engine=engine, score=score, controller=controller))
    assert step.columns is not None
    roles = step.columns["role"]
    assert roles.count(ROLE) / len(roles) == pytest.approx(1 / 9)
    parent = step.columns["parent"][roles.index(ROLE)]
    expected = 1.0 if step.columns["correct"][parent] == 1 else -0.5
    assert step.metrics["correct"] == 0.25
    assert step.metrics["reward.check"] == expected
    assert step.metrics["correct.check"] == float(expected == 1.0)
