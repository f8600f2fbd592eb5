"""FG-ExPO: its KL part and its curriculum, worked by hand."""

import dataclasses
import random
from collections import Counter

import pytest
import torch

from tests.batches import assert_close, loss_and_gradient, probable
from workbench.kinds import Pool
from workbench.methods.fg_expo import AccuracyKl, GaussianCurriculum
from workbench.pieces.surrogate import Clip
from workbench.registry import find_method
from workbench.types.memory import Ledger


def test_loss_at_half_accuracy():
    method = dataclasses.replace(find_method("fg_expo"), surrogate=Clip())
    plain = dataclasses.replace(method, regularisers=())
    assert_close(loss_and_gradient(plain, probable())[0], -0.015212, 1e-6)
    assert_close(loss_and_gradient(method, probable())[0], -0.014634, 1e-6)


@pytest.mark.parametrize(("right", "scale"), [(0, 0.5), (2, 0.731059), (4, 0.880797)])
def test_the_coefficient_grows_with_accuracy(right, scale):
    reward = (torch.arange(4) < right).double()
    settled = AccuracyKl().settle(probable(reward=reward), torch.zeros(4, 3, dtype=torch.float64))
    assert_close(settled["scale"], scale, 1e-6)


def test_a_batch_without_verdicts_has_accuracy_zero():
    nan = torch.full((4,), float("nan"), dtype=torch.float64)
    settled = AccuracyKl().settle(probable(reward=nan), torch.zeros(4, 3, dtype=torch.float64))
    assert_close(settled["scale"], 0.5)


def pool(count: int, step: int = 1, size: int | None = 4) -> Pool:
    return Pool(size, count, 8, step, lambda number: random.Random(f"{step}/{number}").random())


def test_weights_of_the_curriculum():
    piece = GaussianCurriculum()
    weights = [piece.weight(rate) for rate in (0.05, 0.5, 0.95, 0.25)]
    assert_close(weights, [0.437565, 1, 0.437565, 0.774837], 1e-6)
    assert_close([weight / sum(weights) for weight in weights], [0.165121, 0.377363, 0.165121, 0.292395], 1e-6)


def test_problems_are_drawn_by_their_weights():
    piece, drawn, ledger = GaussianCurriculum(keep=0.0), Counter(), Ledger()  # the rate is the last accuracy
    rates = {0: 0.05, 2: 0.95, 3: 0.25}
    ledger.take({"step": 1, "visits": [[f"p{n}", n, 20, 20 * rate, 5.0] for n, rate in rates.items()]})
    for step in range(4000):
        picks, _ = piece({}, dataclasses.replace(pool(1, step), ledger=ledger))
        drawn[picks[0].number] += 1
    assert_close([drawn[number] / 4000 for number in range(4)], [0.165121, 0.377363, 0.165121, 0.292395], 0.03)


def test_a_step_asks_no_problem_twice():
    picks, _ = GaussianCurriculum()(GaussianCurriculum().init(), pool(4))
    assert sorted(pick.number for pick in picks) == [0, 1, 2, 3]
    endless, _ = GaussianCurriculum(endless=3)(GaussianCurriculum().init(), pool(3, size=None))
    assert sorted(pick.number for pick in endless) == [0, 1, 2]


def test_rates_move_slowly():
    ledger = Ledger()
    ledger.take({"step": 1, "visits": [["a", 1, 4, 1.0, 5.0], ["b", 2, 2, 0.0, 5.0], ["c", 3, 0, 0.0, 5.0]]})
    found = [GaussianCurriculum().rate(ledger, number) for number in range(4)]
    assert found == [0.5, pytest.approx(0.475), pytest.approx(0.45), 0.5]  # never asked; nothing graded
    ledger.take({"step": 2, "visits": [["a", 1, 4, 4.0, 5.0]]})
    assert GaussianCurriculum().rate(ledger, 1) == pytest.approx(0.9 * 0.475 + 0.1)
