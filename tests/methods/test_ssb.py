"""Semantic soft bootstrapping: its controller's rounds, and that its loss is the KL it stands for."""

import torch

from tests.batches import assert_close, loss_and_gradient, probable
from tests.methods.rounds import Echo, make_round, scored
from workbench.methods.ssb import TAG, Explain, commonest
from workbench.pieces.reduction import TokenMean
from workbench.registry import find_method
from workbench.types import Batch

SSB = find_method("ssb")
TEACHER = torch.tensor([[2.0, 0.0, 0.0, -2.0], [0.0, 3.0, 0.0, 0.0]], dtype=torch.float64)
STUDENT = torch.tensor([[1.0, 0.0, 0.0, 0.0], [1.0, 1.0, 0.0, 0.0]], dtype=torch.float64)
TAU = 2.0


def test_over_the_vocabulary_it_is_the_worked_example():
    """Every token of a vocabulary of four, weighed by the teacher: .104963 and .186957, times 2² over 2 positions."""
    teacher = (TEACHER / TAU).log_softmax(-1)
    logits = STUDENT.clone().requires_grad_()
    student = (logits / TAU).log_softmax(-1)
    mask = torch.ones(2, 4, dtype=torch.bool)
    batch = Batch(student, student.detach(), mask, torch.zeros(2, dtype=torch.float64), torch.arange(2))
    batch = batch.extend(off_policy=mask.double(), behaviour_logprob=teacher)
    loss = SSB.surrogate(batch, torch.ones(2, 4, dtype=torch.float64), torch.zeros(2, 4, dtype=torch.float64))
    divergence = (teacher.exp() * loss).sum(1)
    assert_close(divergence.detach(), [0.104963, 0.186957], 1e-6)
    total = TAU**2 * divergence.mean()
    assert_close(total.item(), 0.583839, 1e-6)
    total.backward()
    assert_close(logits.grad[0], [-0.179785, 0.018501, 0.018501, 0.142783], 1e-6)


def test_own_tokens_learn_nothing():
    flags = torch.zeros(4, 3, dtype=torch.float64)
    flags[3] = 1
    batch = probable().extend(off_policy=flags, behaviour_logprob=probable().old_logprob)
    _, gradient = loss_and_gradient(SSB, batch)
    assert (gradient[:3] == 0).all()
    assert_close(gradient[3], [(0.4 / 0.3 - 1) / 12, 0, 0], 1e-9)  # where it agrees with the writer there is no push
    assert isinstance(SSB.reduction, TokenMean)


def test_both_attempts_are_shown_and_dropped():
    mixed = scored(0, [0.0, 1.0, 0.0, 0.0], ["is 5", "is 4", "is 6", "is 6"])
    dull = scored(1, [0.0, 0.0])
    orders = Explain(wording="{question}|{right}|{wrong}")({}, make_round(0, [mixed, dull]))
    (request,) = orders.requests
    assert Echo().text(request.prompt) == "question 0|is 4|is 6"
    assert Echo().text(request.training_prompt) == "question 0"
    assert (request.n, request.group) == (2, 50)
    assert orders.drop_groups == {0, 1}


def test_only_right_explanations_are_learnt():
    group = scored(50, [1.0, 0.0], tag=TAG)
    orders = Explain()({}, make_round(1, [group]))
    assert [orders.drop(rollout) for rollout in group.rollouts] == [False, True]
    assert group.rollouts[0].extras["off_policy"] == [1.0] * 9
    assert group.rollouts[0].extras["behaviour_logprob"] == [-0.5] * 9


def test_the_commonest_of_none():
    assert commonest([]) is None
