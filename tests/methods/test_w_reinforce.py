"""PSR, NSR and W-REINFORCE, worked by hand."""

import pytest
import torch

from tests.batches import ENTROPY, advantage_rows, assert_close, loss_and_gradient, probable
from workbench.method import lens_all, objective, settle
from workbench.registry import find_method
from workbench.types import Batch

BATCH = probable().extend(entropy=ENTROPY)  # means: .85 over the correct rollouts, .95 over the incorrect, .9 over all


@pytest.mark.parametrize(
    ("key", "advantage", "loss"),
    [
        ("psr", [1.0, 0.0, 0.0, 1.0], -1.053704 - 0.00085),
        ("nsr", [0.0, -1.0, -1.0, 0.0], 1.02328 - 0.00095),
        ("w_reinforce", [0.1, -1.0, -1.0, 0.1], 0.458955 - 0.0009),
    ],
)
def test_one_sided_losses(key, advantage, loss):
    method = find_method(key)
    assert_close(advantage_rows(method, BATCH), advantage)
    assert_close(loss_and_gradient(method, BATCH)[0], loss, 1e-6)


def test_nothing_right_means_no_positive_step():
    wrong = torch.zeros(4, dtype=torch.float64)
    loss, gradient = loss_and_gradient(find_method("psr"), BATCH.replace(reward=wrong, correct=wrong))
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
        extras={"entropy": torch.zeros(1, 1, dtype=torch.float64)},  # a constant: the bonus has no gradient here
    )
    method = find_method("nsr")
    (gradient,) = torch.autograd.grad(objective(method, batch, settle(method, batch)), [logits])
    assert_close(-gradient, [-0.4, 0.3, 0.1])


@pytest.mark.parametrize(("key", "trained"), [("psr", [0, 3]), ("nsr", [1, 2]), ("w_reinforce", [0, 1, 2, 3])])
def test_the_entropy_bonus_is_averaged_over_what_is_trained(key, trained):
    found = -lens_all(find_method(key), BATCH)["entropy"]
    expected = torch.zeros(4, 3, dtype=torch.float64)
    expected[trained] = -0.001 / (3 * len(trained))
    assert_close(found, expected, 1e-12)
