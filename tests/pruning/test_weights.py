"""Importance weights: the worked group, and that they give the whole group's expectation back."""

import numpy as np
import torch

from tests.batches import assert_close, toy
from workbench import random_numbers
from workbench.pieces.reduction import SequenceMean, TokenMean
from workbench.pruning.draw import systematic
from workbench.pruning.survival import Bounds, group
from workbench.pruning.weights import Survivors
from workbench.types import Batch


def make_batch(survival: list[float], groups: list[int]) -> Batch:
    rows = len(survival)
    return Batch(
        logprob=torch.zeros(rows, 2),
        old_logprob=torch.zeros(rows, 2),
        mask=torch.ones(rows, 2, dtype=torch.bool),
        reward=torch.ones(rows),
        group=torch.tensor(groups),
        extras={"survival": torch.tensor(survival)},
    )


def test_worked_by_hand():
    """keep .5 over p .25, .5 and 1 (not judged) is 2, 1 and .5; a group that nobody was taken from keeps 1."""
    batch = make_batch([0.25, 0.5, 1.0, 1.0, 1.0], [0, 0, 0, 1, 1])
    advantage = torch.ones(5, 2)
    given = Survivors(inner=TokenMean(), keep=0.5)(batch, advantage)
    assert_close(given[:, 0] * 10, [2.0, 1.0, 0.5, 1.0, 1.0])
    own = Survivors(inner=TokenMean())(batch, advantage)
    assert_close(own[:, 0] * 10, [12 / 7, 6 / 7, 3 / 7, 1.0, 1.0])


def test_without_a_pruner_nothing_changes():
    batch = toy()
    advantage = torch.ones_like(batch.logprob)
    assert_close(Survivors(inner=TokenMean(), keep=0.5)(batch, advantage), TokenMean()(batch, advantage))


def test_the_whole_groups_mean_comes_back():
    """Averaged over many draws the weighed mean of the survivors is the mean of all, the plain one is not."""
    probability = group(np.linspace(0.05, 0.6, 8), Bounds()).probability
    values = torch.linspace(-1, 2, 8)
    numbers = random_numbers.uniforms(random_numbers.keys(0, 0, 0, np.arange(9))[None], np.arange(400)[:, None])
    plain, weighed, piece = [], [], Survivors(inner=SequenceMean(), keep=0.5)
    for uniform in numbers:
        kept = torch.from_numpy(systematic(probability, uniform[:8], float(uniform[8])))
        batch = make_batch(torch.from_numpy(probability)[kept].tolist(), [0] * int(kept.sum()))
        weight = piece(batch, torch.ones(4, 2)).sum(1)
        plain.append(float(values[kept].mean()))
        weighed.append(float(weight @ values[kept]))
    error = np.std(weighed) / len(weighed) ** 0.5
    assert abs(np.mean(weighed) - float(values.mean())) < 4 * error
    assert abs(np.mean(plain) - float(values.mean())) > 8 * error
