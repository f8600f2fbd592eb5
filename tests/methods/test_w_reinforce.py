"""PSR, NSR and W-REINFORCE, worked by hand."""

import pytest
import torch

from tests.batches import advantage_rows, assert_close, loss_and_gradient, probable
from workbench.method import objective, settle
from workbench.registry import find_method
from workbench.types import Batch


@pytest.mark.parametrize(
    ("key", "advantage", "loss"),
    [
        ("psr", [1.0, 0.0, 0.0, 1.0], -1.053704),
        ("nsr", [0.0, -1.0, -1.0, 0.0], 1.02328),
        ("w_reinforce", [0.1, -1.0, -1.0, 0.1], 0.458955),
    ],
)
def test_one_sided_losses(key, advantage, loss):
    method = find_method(key)
    assert_close(advantage_rows(method, probable()), advantage)
    assert_close(loss_and_gradient(method, probable())[0], loss, 1e-6)


def test_nothing_right_means_no_positive_step():
    wrong = torch.zeros(4, dtype=torch.float64)
    loss, gradient = loss_and_gradient(find_method("psr"), probable(reward=wrong))
    assert loss == 0
    assert (gradient == 0).all()


def test_a_removed_probability_goes_to_the_others_in_proportion():
    logits = torch.tensor([0.6, 0.3, 0.1], dtype=torch.float64).log().requires_grad_()
    batch = Batch(
        logprob=logits.log_softmax(0)[:1, None],
        old_logprob=logits.detach().log_softmax(0)[:1, None],
        mask=torch.ones(1, 1, dtype=torch.bool),
        reward=torch.zeros(1, dtype=torch.float64),
        group=torch.zeros(1, dtype=torch.long),
    )
    method = find_method("nsr")
    (gradient,) = torch.autograd.grad(objective(method, batch, settle(method, batch)), [logits])
    assert_close(-gradient, [-0.4, 0.3, 0.1])
