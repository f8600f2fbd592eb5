"""The KL estimates and the entropy bonus."""

import pytest
import torch
from torch.nn.functional import log_softmax, softmax

from tests.batches import ENTROPY, assert_close, toy
from workbench.pieces.regulariser import K1, K2, K3, EntropyBonus
from workbench.types import Batch

Q = torch.tensor([0.2, -0.4, 0.9], dtype=torch.float64)
P = torch.tensor([0.0, 0.3, 0.1], dtype=torch.float64)


def test_values_of_the_first_rollout():
    batch = toy()
    assert_close(K1(coefficient=1.0)(batch)[0], [0.3, -0.15, 0.3])
    assert_close(K2(coefficient=1.0)(batch)[0], [0.045, 0.0113, 0.045])
    assert_close(K3(coefficient=1.0)(batch)[0], [0.0408, 0.0118, 0.0408])


def expected_gradient(piece: object) -> torch.Tensor:
    """The gradient in the logits, averaged over every symbol the policy may draw."""
    total = torch.zeros(3, dtype=torch.float64)
    for symbol in range(3):
        logits = Q.clone().requires_grad_()
        logprob = log_softmax(logits, 0)[symbol].view(1, 1)
        batch = Batch(
            logprob=logprob,
            old_logprob=logprob.detach(),
            mask=torch.ones(1, 1, dtype=torch.bool),
            reward=torch.zeros(1, dtype=torch.float64),
            group=torch.zeros(1, dtype=torch.long),
            extras={"ref_logprob": log_softmax(P, 0)[symbol].view(1, 1)},
        )
        (found,) = torch.autograd.grad(piece(batch).sum(), [logits])
        total += softmax(Q, 0)[symbol] * found
    return total


def exact(forward: bool) -> torch.Tensor:
    """The gradient of KL(policy ‖ reference), or of KL(reference ‖ policy)."""
    logits = Q.clone().requires_grad_()
    difference = log_softmax(logits, 0) - log_softmax(P, 0)
    weight = -softmax(P, 0) if forward else softmax(logits, 0)
    (found,) = torch.autograd.grad((weight * difference).sum(), [logits])
    return found


@pytest.mark.parametrize(
    ("piece", "expected"),
    [
        (K1(coefficient=1.0), [0.0, 0.0, 0.0]),
        (K2(coefficient=1.0), [-0.0563, -0.1695, 0.2258]),
        (K3(coefficient=1.0), [-0.0087, -0.2366, 0.2454]),
        (K1(coefficient=1.0, straight=True), [-0.0563, -0.1695, 0.2258]),
        (K3(coefficient=1.0, straight=True), [-0.0563, -0.1695, 0.2258]),
    ],
)
def test_what_each_pulls_towards_on_average(piece, expected):
    assert_close(expected_gradient(piece), expected)


def test_two_of_them_are_gradients_of_true_divergences():
    assert_close(expected_gradient(K2(coefficient=1.0)), exact(forward=False), 1e-12)
    assert_close(expected_gradient(K3(coefficient=1.0)), exact(forward=True), 1e-12)


def test_bounds_keep_a_far_reference_finite():
    batch = toy().extend(ref_logprob=toy().logprob + 500.0)
    assert K3(coefficient=1.0)(batch).max() == 10.0
    assert K3(coefficient=1.0, cap=None)(batch).isfinite().all()
    assert K1(coefficient=1.0, bound=3.0)(batch).min() == -3.0


@pytest.mark.parametrize("kind", [K1, K3])
@pytest.mark.parametrize("away", [-60.0, -25.0, -3.0, 0.5, 12.0, 45.0])
def test_straight_through_has_the_capped_value_and_the_whole_gradient(kind, away):
    """However far the policy is from the reference: where a cap holds the value the gradient is needed most."""
    logprob = torch.full((1, 1), -0.5, dtype=torch.float64, requires_grad=True)
    batch = Batch(
        logprob=logprob,
        old_logprob=logprob.detach(),
        mask=torch.ones(1, 1, dtype=torch.bool),
        reward=torch.zeros(1, dtype=torch.float64),
        group=torch.zeros(1, dtype=torch.long),
        extras={"ref_logprob": logprob.detach() - away},
    )
    found = kind(coefficient=1.0, cap=10.0, straight=True)(batch)
    assert_close(found, kind(coefficient=1.0, cap=10.0)(batch), 1e-12)
    (gradient,) = torch.autograd.grad(found.sum(), [logprob])
    assert_close(gradient, [[away]], 1e-9)


def test_the_correction_for_old_samples_multiplies_by_the_ratio():
    batch = toy()
    plain, corrected = K2(coefficient=1.0), K2(coefficient=1.0, off_policy=True)
    assert_close(corrected(batch), plain(batch) * (batch.logprob - batch.old_logprob).exp(), 1e-12)


@pytest.mark.parametrize("piece", [K1(), K2(), K3(), EntropyBonus()])
def test_a_coefficient_of_zero_needs_and_does_nothing(piece):
    assert piece.needs == frozenset()
    assert (piece(toy().replace(extras={})) == 0).all()


def test_entropy_bonus_rewards_indecision():
    piece = EntropyBonus(coefficient=0.01)
    assert piece.needs == {"entropy"}
    assert_close(piece(toy(entropy=ENTROPY)), -0.01 * ENTROPY, 1e-12)


def test_an_estimate_may_have_a_reduction_of_its_own():
    piece = K3.parse({"piece": "k3", "coefficient": 0.1, "reduction": {"piece": "sequence_mean"}})
    assert piece.reduction is not None
    assert piece.to_dict()["reduction"] == {"piece": "sequence_mean"}
    assert K3.parse(piece.to_dict()) == piece
