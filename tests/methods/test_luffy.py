"""LUFFY and RL-PLUS: their controller's rounds, and their losses worked by hand."""

import dataclasses
import math

import pytest
import torch

from tests.batches import P_NEW, P_OLD, assert_close, loss_and_gradient, probable
from tests.methods.rounds import Echo, make_round, scored
from workbench.method import advantages
from workbench.pieces.demonstration import Demonstrate
from workbench.registry import find_method

LAST = torch.zeros(4, 3, dtype=torch.float64)
LAST[3] = 1


def bare(key: str):
    """The method without its entropy bonus."""
    return dataclasses.replace(find_method(key), regularisers=())


def test_luffy_worked_by_hand():
    loss, gradient = loss_and_gradient(bare("luffy"), probable().extend(off_policy=LAST))
    assert_close(loss, 0.075926, 1e-6)
    assert_close(gradient[3], [-0.026667, -0.020408, -0.014361], 1e-6)
    assert_close(gradient[0], -0.5 * (P_NEW / P_OLD)[0] / 3, 1e-9)


def test_rl_plus_worked_by_hand():
    loss, gradient = loss_and_gradient(bare("rl_plus"), probable().extend(off_policy=LAST))
    assert_close(advantages(bare("rl_plus"), probable())[:, 0], [0.5, -0.5, -0.5, 0.5])
    assert_close(loss, 0.26706, 1e-5)
    assert_close(gradient[3], [-0.108715, -0.090351, -0.036784], 1e-6)


def test_a_certain_token_has_no_focal_weight():
    certain = probable(logprob=torch.full((4, 3), 1e-7, dtype=torch.float64))  # as rounding may leave it
    _, gradient = loss_and_gradient(bare("rl_plus"), certain.extend(off_policy=LAST))
    assert (gradient[3] == 0).all()


def test_nothing_is_clipped():
    _, gradient = loss_and_gradient(bare("luffy"), probable())
    assert_close(gradient[3, 0], -0.5 * (0.4 / 0.3) / 3, 1e-9)  # GRPO clips this ratio


def test_a_solution_joins_its_group():
    groups = [scored(0, [0.0, 0.0], solution="so: 4"), scored(1, [0.0, 1.0])]
    orders = Demonstrate()({}, make_round(0, groups))
    (added,) = orders.rollouts
    assert added.request.group == 0
    assert Echo().text(added.prompt) == "question 0"
    assert Echo().text(added.tokens) == "so: 4."  # with the token that ended the others
    assert added.text == "so: 4"
    assert added.finish == "given"
    assert added.extras["off_policy"] == [1.0] * 6
    assert all(math.isnan(value) for value in added.engine_logprob)
    assert not orders.requests


@pytest.mark.parametrize(("longest", "count"), [(6, 1), (5, 0)])
def test_a_solution_that_is_too_long_is_left_out(longest, count):
    orders = Demonstrate(longest=longest)({}, make_round(0, [scored(0, [0.0], solution="so: 4")]))
    assert len(orders.rollouts) == count


def test_only_right_solutions_stay():
    group = scored(0, [1.0, 0.0], tag="demonstration")
    orders = Demonstrate()({}, make_round(1, [group, scored(1, [0.0])]))
    assert [orders.drop(rollout) for rollout in group.rollouts] == [False, True]
    assert not orders.drop(scored(1, [0.0]).rollouts[0])
    assert not orders.rollouts
