"""RoRecomp: who is trained at once, who waits, and how those who waited come back."""

import dataclasses
import math

import pytest
import torch

from tests.batches import P_OLD, assert_close, loss_and_gradient, probable
from tests.methods.rounds import make_round, scored
from tests.training.small_runs import make_settings, make_trainer
from workbench.methods.rorecomp import AGAIN, WAITING, Recompose
from workbench.registry import find_method
from workbench.training.checkpoint import join, split

RORECOMP = find_method("rorecomp")


def groups() -> list:
    return [
        scored(0, [1.0, 0.0, 0.0, 1.0], ["x" * size for size in (12, 30, 15, 40)]),
        scored(1, [1.0, 1.0, 0.0, 1.0], ["x" * size for size in (8, 20, 26, 9)]),
    ]


def test_short_right_and_long_wrong_are_trained_at_once():
    piece, given = Recompose(), groups()
    orders = piece(piece.init(), make_round(0, given))
    trained = [[any(rollout.trained) for rollout in group.rollouts] for group in given]
    assert trained == [[True, True, False, False], [True, False, True, True]]
    assert [len(item["tokens"]) for item in orders.state["waiting"]] == [40, 15, 20]
    assert given[0].rollouts[2].request.tag == WAITING
    stored = [group.rollouts[place].extras["stored_advantage"][0] for group in given for place in range(4)]
    assert_close(stored, [0.866024, -0.866024, -0.866024, 0.866024, 0.5, 0.5, -1.5, 0.5], 1e-5)
    assert not orders.rollouts


def test_the_oldest_come_back_when_enough_are_waiting():
    piece = Recompose(steps=0.75)
    first = piece(piece.init(), make_round(0, groups()))  # 3 wait of 8
    assert not first.rollouts
    state = join(split(first.state, "", tensors := {}), tensors)  # as a checkpoint keeps it
    second = piece(state, make_round(0, groups()))
    assert [len(rollout.tokens) for rollout in second.rollouts] == [40, 15, 20, 40, 15, 20]
    assert second.state == {"waiting": []}
    again = second.rollouts[0]
    assert (again.request.tag, again.request.group, again.finish) == (AGAIN, 50, "given")
    assert any(again.trained)
    assert again.extras["off_policy"] == [1.0] * 40
    assert again.extras["behaviour_logprob"] == [-0.5] * 40
    assert math.isclose(again.extras["stored_advantage"][0], 0.866024, rel_tol=1e-5)
    assert again.request.problem == groups()[0].problem
    assert not piece(second.state, make_round(1, groups())).rollouts


@pytest.mark.parametrize("share", [0.01, 1.0])
def test_one_of_each_kind_is_trained_at_least(share):
    given = groups()
    Recompose(share=share)({"waiting": []}, make_round(0, given))
    trained = [sum(any(rollout.trained) for rollout in group.rollouts) for group in given]
    assert trained == ([2, 2] if share < 1 else [4, 4])


def test_what_waited_has_the_ratio_to_who_wrote_it():
    flags = torch.ones(4, 3, dtype=torch.float64)
    batch = probable().extend(off_policy=flags, behaviour_logprob=P_OLD.log())
    moved = batch.replace(old_logprob=batch.logprob)
    assert_close(loss_and_gradient(RORECOMP, moved)[0], loss_and_gradient(RORECOMP, probable())[0], 1e-12)
    assert loss_and_gradient(RORECOMP, probable().replace(old_logprob=batch.logprob))[0] != pytest.approx(
        loss_and_gradient(RORECOMP, probable())[0]
    )


def test_a_run_trains_on_what_waited():
    method = dataclasses.replace(RORECOMP, controller=Recompose(steps=0.75))
    steps = list(make_trainer(method, make_settings(training={"updates": 2})))
    tags = [set(step.columns["tag"]) for step in steps]
    assert tags == [{"", WAITING}, {"", WAITING, AGAIN}]
    assert all(math.isfinite(step.metrics["loss"]) for step in steps)
