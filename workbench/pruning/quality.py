"""The quality head: the probability that an unfinished rollout ends correct, from its last hidden state.

score = sigmoid(second · relu(first · x + first_bias) + second_bias), x = (hidden - centre) / scale. ARRoL,
arXiv:2603.24840, has a two-layer perceptron whose width, activation and learning rate are not told; these are ours.
The loss is the binary cross-entropy with the correctness of finished rollouts; it never reaches the policy.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, linear, relu

from workbench import random_numbers

Weights = dict[str, Tensor]  # first [unit, width], first_bias [unit], second [unit], second_bias [], centre, scale
Hidden = Float[Tensor, "n width"]
Scores = Float[Tensor, " n"]
Labels = Bool[Tensor, " n"]

LEARNT = ("first", "first_bias", "second", "second_bias")
BRANCH = 101  # branch of the random numbers: neither that of tokens (0) nor of survival
BATCH = 256  # rollouts of a step of AdamW
DECAY = 0.01


@dataclass(frozen=True)
class Lesson:
    """The settings of a refit: epochs, AdamW's learning rate, and the keys of the order."""

    epochs: int
    learning_rate: float
    seed: int
    step: int


@dataclass(frozen=True)
class Labelled:
    """Finished rollouts: hidden states at the detection length, and whether they are correct."""

    hidden: Hidden
    correct: Labels

    def __len__(self) -> int:
        return len(self.correct)


def make_head(hidden: Hidden, units: int, seed: int) -> Weights:
    """A head whose output is 1/2 everywhere; it centres and scales its input by the statistics of these states."""
    width = hidden.shape[1]
    uniform = random_numbers.uniforms(
        random_numbers.keys(seed, 0, 0, np.arange(units), BRANCH)[:, None], np.arange(width)[None]
    )
    scale = hidden.std(0, correction=0)
    return {
        "first": torch.from_numpy((2 * uniform - 1) / width**0.5).float(),
        "first_bias": torch.zeros(units),
        "second": torch.zeros(units),
        "second_bias": torch.zeros(()),
        "centre": hidden.mean(0),
        "scale": torch.where(scale > 0, scale, 1.0),
    }


def logits(head: Weights, hidden: Hidden) -> Scores:
    """The score before the sigmoid."""
    inner = relu(linear((hidden - head["centre"]) / head["scale"], head["first"], head["first_bias"]))
    return inner @ head["second"] + head["second_bias"]


def folded(head: Weights) -> Weights:
    """The same head as two plain layers: centre and scale are folded into the first."""
    first = head["first"] / head["scale"]
    return {
        "first": first,
        "first_bias": head["first_bias"] - first @ head["centre"],
        "second": head["second"],
        "second_bias": head["second_bias"],
    }


@torch.no_grad()
def scores(head: Weights, hidden: Hidden) -> Scores:
    """The head's scores [n] in [0, 1], before the posterior calibrates them."""
    return logits(head, hidden).sigmoid()


@torch.no_grad()
def loss(head: Weights, data: Labelled) -> float:
    """Mean cross-entropy."""
    return float(binary_cross_entropy_with_logits(logits(head, data.hidden), data.correct.float()))


def refit(head: Weights, data: Labelled, held_out: Labelled, lesson: Lesson) -> Weights:
    """The head after some epochs over `data`: the best on `held_out` of the states before, between and after them.

    Without held-out rollouts the last state is taken.
    """
    learnt = {name: head[name].clone().requires_grad_() for name in LEARNT}
    optimiser = torch.optim.AdamW(learnt.values(), lr=lesson.learning_rate, weight_decay=DECAY)
    best, least = head, loss(head, held_out) if len(held_out) else float("inf")
    for epoch in range(lesson.epochs):
        for rows in shuffled(len(data), lesson, epoch):
            with torch.enable_grad():
                found = logits({**head, **learnt}, data.hidden[rows])
                cost = binary_cross_entropy_with_logits(found, data.correct[rows].float())
                gradients = torch.autograd.grad(cost, list(learnt.values()))
            for parameter, gradient in zip(learnt.values(), gradients, strict=True):
                parameter.grad = gradient
            optimiser.step()
        now = {**head, **{name: value.detach().clone() for name, value in learnt.items()}}
        error = loss(now, held_out) if len(held_out) else 0.0
        if error < least or not len(held_out):
            best, least = now, error
    return best


def shuffled(count: int, lesson: Lesson, epoch: int) -> list[Int[Tensor, " row"]]:
    """The rows of an epoch in batches, in an order keyed by seed, step and epoch."""
    key = random_numbers.keys(lesson.seed, lesson.step, epoch, np.arange(count), BRANCH)
    order = torch.from_numpy(np.argsort(random_numbers.uniforms(key, np.zeros(1, dtype=np.int64)), kind="stable"))
    return list(order.split(BATCH)) if count else []


def area(score: Scores, correct: Labels) -> float | None:
    """Area under the ROC curve: P(a correct rollout scores above an incorrect one), ties half; None without both.

    >>> area(torch.tensor([0.9, 0.4, 0.4, 0.1]), torch.tensor([True, True, False, False]))
    0.875
    """
    right, wrong = score[correct], score[~correct].sort().values
    if not len(right) or not len(wrong):
        return None
    below = torch.searchsorted(wrong, right, right=False).double()
    upto = torch.searchsorted(wrong, right, right=True).double()
    return float((below + upto).sum() / 2 / (len(right) * len(wrong)))


def area_within(score: Scores, correct: Labels, group: Int[Tensor, " n"]) -> float | None:
    """The same over pairs within a group only; None without such a pair.

    >>> area_within(torch.tensor([0.9, 0.8, 0.2, 0.1]), torch.tensor([True, False] * 2), torch.tensor([0, 0, 1, 1]))
    1.0
    """
    won = pairs = 0.0
    for number in group.unique().tolist():
        members = group == number
        found = area(score[members], correct[members])
        right = int(correct[members].sum())
        count = right * (int(members.sum()) - right)
        won, pairs = won + (found or 0.0) * count, pairs + count
    return won / pairs if pairs else None
