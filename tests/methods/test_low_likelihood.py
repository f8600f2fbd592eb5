"""SELF: who is asked after the most likely completion, and the divergence on the others."""

import torch

from tests.batches import assert_close, toy
from tests.methods.rounds import make_round, scored
from tests.training.small_runs import make_settings, make_trainer
from workbench.kinds import Pool
from workbench.methods.low_likelihood import PROBE, AskUnsolved, MostLikely, StayNear
from workbench.registry import find_method


def test_only_unsolved_problems_are_asked() -> None:
    groups = [scored(number, [value]) for number, value in enumerate([1.0, 0.0, 1.0, 0.0, 0.0, 1.0])]  # the card
    orders = AskUnsolved(anchor=False)({}, make_round(0, groups))
    assert [request.group for request in orders.requests] == [1, 3, 4]
    assert orders.drop is not None
    assert all(orders.drop(group.rollouts[0]) for group in groups)
    orders = AskUnsolved()({}, make_round(0, groups))
    assert orders.drop is not None
    assert [orders.drop(group.rollouts[0]) for group in groups] == [False, True, False, True, True, False]
    assert groups[0].rollouts[0].extras == {"anchor": 1.0, "stored_advantage": [0.0] * 9}


def test_a_problem_is_first_asked_for_its_most_likely_completion() -> None:
    picks, _ = MostLikely()(MostLikely().init(), Pool(None, 2, 8, 1, lambda index: 0.5))
    assert [(pick.rollouts, pick.ask.temperature, pick.ask.role) for pick in picks] == [(1, 0.0, PROBE)] * 2


def test_the_divergence_is_a_mean_over_the_solved_completions() -> None:
    piece = StayNear(coefficient=0.5)
    kl = torch.arange(12, dtype=torch.float64).reshape(4, 3)
    batch = toy(forward_kl=kl, anchor=torch.tensor([0.0, 1.0, 0.0, 1.0], dtype=torch.float64))
    batch = batch.extend(**piece.settle(batch, batch.logprob))
    loss = piece(batch)
    weight = 1 / 12  # of a mean over all tokens
    assert_close((loss * weight).sum(), 0.5 * (3 + 4 + 5 + 9 + 10 + 11) / 6)
    assert not loss[[0, 2]].any()
    assert not piece(toy(forward_kl=kl, per_anchor=torch.tensor(1.0))).any()


def test_a_step_asks_each_problem_once_and_the_unsolved_ones_again() -> None:
    method = find_method("low_likelihood")
    trainer = make_trainer(method, make_settings(training={"steps": 1}))
    (step,) = list(trainer)
    columns = step.columns
    assert columns is not None
    assert columns["role"] == [""] * 16  # the reward of a first rollout is 0 here: none is solved
    assert step.metrics["rollouts"] == 16.0
    assert {entry[2] for entry in step.journal["ledger"][0]["visits"]} == {4}
