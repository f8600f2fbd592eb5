"""FG-ExPO's KL part, worked by hand."""

import dataclasses

import pytest
import torch

from tests.batches import close, loss_and_gradient, probable
from workbench.methods.fg_expo import AccuracyKl
from workbench.pieces.surrogate import Clip
from workbench.registry import find_method


def test_loss_at_half_accuracy():
    method = dataclasses.replace(find_method("fg_expo"), surrogate=Clip())
    plain = dataclasses.replace(method, regularisers=())
    close(loss_and_gradient(plain, probable())[0], -0.015212, 1e-6)
    close(loss_and_gradient(method, probable())[0], -0.014634, 1e-6)


@pytest.mark.parametrize(("right", "scale"), [(0, 0.5), (2, 0.731059), (4, 0.880797)])
def test_the_coefficient_grows_with_accuracy(right, scale):
    reward = (torch.arange(4) < right).double()
    settled = AccuracyKl().settle(probable(reward=reward), torch.zeros(4, 3, dtype=torch.float64))
    close(settled["scale"], scale, 1e-6)


def test_a_batch_without_verdicts_has_accuracy_zero():
    nan = torch.full((4,), float("nan"), dtype=torch.float64)
    settled = AccuracyKl().settle(probable(reward=nan), torch.zeros(4, 3, dtype=torch.float64))
    close(settled["scale"], 0.5)
