"""1-shot RLVR: the choice, the repetition, the loss."""

import pytest
import torch

from tests.batches import assert_close, loss_and_gradient, probable
from workbench.kinds import Pool
from workbench.method import lens_all
from workbench.methods.one_shot import MostVaried, by_variance
from workbench.pieces.sampler import Chosen
from workbench.registry import find_method
from workbench.types import Batch
from workbench.types.memory import Ledger

ENTROPY = torch.tensor([[1.2, 0.5, 0.3], [1.0, 0.9, 1.4], [1.1, 0.4, 0.7], [1.3, 1.1, 0.2]], dtype=torch.float64)


def pool(size: int | None, count: int) -> Pool:
    return Pool(size, count, 8, 1, lambda number: 0.5)


def test_loss_with_both_regularisers():
    # policy -.013174, mean k3 .039504, mean entropy .841667
    loss, _ = loss_and_gradient(find_method("one_shot"), probable().extend(entropy=ENTROPY))
    assert_close(loss, -0.013976, 1e-6)


def test_problems_by_variance():
    histories = {
        "a": [0, 0.125, 0.5, 0.75, 1, 1],
        "b": [0.5] * 6,
        "c": [0, 0, 0, 0.125, 0, 0],
        "d": [0, 1, 0, 1, 0, 1],
        "e": [1, 1, 1, 0.875, 1, 1],
    }
    assert by_variance(histories) == ["d", "a", "c", "e", "b"]


def test_one_problem_fills_the_step():
    picks, state = Chosen()(Chosen().init(), pool(None, 3))
    assert [(pick.number, pick.rollouts) for pick in picks] == [(0, 8)] * 3
    assert state == {"next": 0}


def test_a_few_take_turns_over_steps():
    piece = Chosen(numbers=(4, 9))
    first, state = piece(piece.init(), pool(10, 3))
    second, _ = piece(state, pool(10, 3))
    assert [pick.number for pick in [*first, *second]] == [4, 9, 4, 9, 4, 9]


def test_a_problem_that_is_not_there():
    with pytest.raises(ValueError, match=r"chosen\.numbers = \[12\]"):
        Chosen(numbers=(3, 12))({"next": 0}, pool(10, 1))
    with pytest.raises(ValueError, match=r"chosen\.numbers"):
        Chosen(numbers=())


def test_the_problem_that_varied_most_in_a_pilot_is_chosen_once() -> None:
    ledger = Ledger()
    for step, rates in enumerate(([0, 4, 0], [2, 4, 8], [8, 4, 0]), start=1):
        ledger.take({"step": step, "visits": [[f"p{n}", n, 8, float(rate), 5.0] for n, rate in enumerate(rates)]})
    pool = Pool(3, 2, 8, 4, lambda index: 0.5, ledger)
    picks, state = MostVaried()({"chosen": ""}, pool)
    assert [(pick.number, pick.rollouts) for pick in picks] == [(2, 8), (2, 8)]  # deviations .425, 0, .471
    ledger.take({"step": 4, "visits": [["p0", 0, 8, 0.0, 5.0], ["p2", 2, 8, 3.0, 5.0]]})
    assert MostVaried()(state, pool)[1] == {"chosen": "2"}
    with pytest.raises(ValueError, match="no problem was visited 9 times: fork a run"):
        MostVaried(visits=9)({"chosen": ""}, pool)


def test_the_arm_without_a_reward_reads_none() -> None:
    bonus = {"piece": "entropy_bonus", "coefficient": 0.001}
    method = find_method("one_shot").override({"surrogate_weight": 0.0, "regularisers": [bonus]})
    logprob = torch.full((2, 2), -1.0)
    batch = Batch(logprob, logprob, logprob < 0, torch.tensor([1.0, 0.0]), torch.zeros(2).long())
    batch = batch.extend(entropy=torch.full((2, 2), 0.5))
    found = lens_all(method, batch)
    assert not found["logprob"].any()
    assert (found["entropy"] > 0).all()
