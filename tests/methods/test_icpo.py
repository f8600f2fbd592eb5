"""ICPO: its controller's rounds, and its ratio worked by hand."""

import dataclasses
import itertools

import torch

from tests.batches import assert_close, loss_and_gradient, probable
from tests.methods.rounds import Echo
from workbench.kinds import Round
from workbench.method import derive, lens
from workbench.methods.icpo import TAG, ShowExample
from workbench.pieces.advantage import GroupZ
from workbench.registry import find_method
from workbench.types import Batch, Group, Problem, Request, Rollout

ICPO = find_method("icpo")
PLAIN = derive(ICPO, title="", paper="", equation="", changes="", regularisers=())


def scored(number: int, verdicts: list[float], tag: str = "", **data: str) -> Group:
    problem = Problem(f"p{number}", f"question {number}", "4", data)
    request = Request(problem, Echo().prompt(problem.prompt), group=number, number=number, n=len(verdicts), tag=tag)
    rollouts = [
        Rollout(request, index, [9], f"answer {number}", [-0.5], [-0.5], "stop", reward=verdict, correct=verdict)
        for index, verdict in enumerate(verdicts)
    ]
    return Group(number, problem, rollouts)


def make_round(number: int, groups: list[Group]) -> Round:
    numbers = itertools.count(100)
    return Round(
        number,
        step=1,
        groups=groups,
        encoder=Echo(),
        request=lambda **fields: Request(number=next(numbers), **fields),
        new_group=lambda: 99,
        uniform=lambda index: 0.0,
    )


def test_an_example_is_another_problems_solution():
    groups = [scored(0, [1.0, 0.0]), scored(1, [0.0, 0.0], solution="worked out"), scored(2, [0.0, 0.0])]
    orders = ShowExample()({}, make_round(0, groups))
    shown = [Echo().text(request.prompt) for request in orders.requests]
    assert shown[0] == "question 1\nworked out\n\nquestion 0"
    assert shown[1] == "question 0\nanswer 0\n\nquestion 1"
    assert [request.group for request in orders.requests] == [0, 1, 2]
    assert Echo().text(orders.requests[2].training_prompt) == "question 2"


def test_without_any_solution_nothing_is_added():
    assert not ShowExample()({}, make_round(0, [scored(0, [0.0]), scored(1, [0.0])])).requests


def test_only_right_additions_stay():
    group = scored(0, [1.0, 0.0], tag=TAG)
    bare = scored(1, [0.0])
    orders = ShowExample()({}, make_round(1, [group, bare]))
    assert [orders.drop(rollout) for rollout in group.rollouts] == [False, True]
    assert not orders.drop(bare.rollouts[0])
    assert group.rollouts[0].extras["off_policy"] == [1.0]
    assert not orders.requests


def test_foreign_tokens_learn_by_their_probability():
    flags = torch.zeros(4, 3, dtype=torch.float64)
    flags[3] = 1
    batch = probable().extend(off_policy=flags)
    loss, _ = loss_and_gradient(PLAIN, batch)
    assert_close(loss, 0.032877, 1e-6)
    coefficient = torch.tensor([0.16, 0.122449, 0.086168], dtype=torch.float64)  # 0.1 p / (p + 0.1)²
    assert_close(lens(PLAIN, batch)[3], 0.866024 * coefficient / 12, 1e-6)


def test_a_correct_one_has_more_reward_the_earlier_it_is():
    """The card: at step 100 of 400 the bonus is .75, and the rewards 1, 0, 0, 1.75 have these advantages."""
    group = scored(0, [1.0, 0.0, 0.0])
    shown = scored(0, [1.0, 0.0], tag=TAG)
    shown.rollouts[0].request = dataclasses.replace(shown.rollouts[0].request, number=7)
    group.rollouts += shown.rollouts
    seen = dataclasses.replace(make_round(1, [group]), step=100, total_steps=400)
    orders = ShowExample(bonus=1.0)({}, seen)
    assert {key: parts["expert"].value for key, parts in orders.scores.items()} == {(7, 0): 0.75}
    assert not ShowExample()({}, seen).scores
    rewards = torch.tensor([1.0, 0.0, 0.0, 1.75])
    zeros = torch.zeros(4, 1)
    batch = Batch(zeros, zeros, zeros == 0, rewards, torch.zeros(4, dtype=torch.long))
    assert_close(GroupZ()(batch)[:, 0].double(), [0.367276, -0.808008, -0.808008, 1.248739], 1e-5)
