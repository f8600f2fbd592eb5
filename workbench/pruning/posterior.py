"""From a score to the posterior P(correct): counts in bins, Bayes' rule, Laplace smoothing.

ARRoL, arXiv:2603.24840; known only from secondary renderings of the paper, its code is not published.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

Scores = Float[Tensor, " n"]
Labels = Bool[Tensor, " n"]
PerBin = Float[Tensor, " bin"]
Counts = Int[Tensor, " bin"]


def bin_of(score: Scores, bins: int) -> Int[Tensor, " n"]:
    """The bin of a score in [0, 1]: min(bins - 1, floor(bins · score)).

    >>> bin_of(torch.tensor([0.0, 0.26, 1.0]), 4)
    tensor([0, 1, 3])
    """
    return (score * bins).floor().long().clamp(0, bins - 1)


def count(score: Scores, correct: Labels, bins: int) -> tuple[Counts, Counts]:
    """The numbers of correct and of incorrect rollouts in each bin.

    >>> right, wrong = count(torch.tensor([0.1, 0.1, 0.9]), torch.tensor([True, False, True]), 2)
    >>> right.tolist(), wrong.tolist()
    ([1, 1], [1, 0])
    """
    place = bin_of(score, bins)
    return place[correct].bincount(minlength=bins), place[~correct].bincount(minlength=bins)


def posterior(right: Counts, wrong: Counts, alpha: float) -> PerBin:
    """P(correct | bin) of every bin, in float64.

    P(bin | correct) = (right + alpha) / (N₊ + alpha · bins), likewise for the incorrect ones with N₋;
    posterior = prior P(bin | correct) / (prior P(bin | correct) + (1 - prior) P(bin | wrong)), prior = N₊ / (N₊ + N₋).

    With many labels that is (right + alpha) / (right + wrong + 2 alpha): an empty bin gives about 1/2, whatever the
    prior. Whether a rollout survived depends on its bin alone, so the labels of survivors leave it unbiased. Without
    any label it is 1/2 everywhere.
    """
    right, wrong = right.double(), wrong.double()
    sum_right, sum_wrong, bins = right.sum(), wrong.sum(), len(right)
    if float(sum_right + sum_wrong) == 0:
        return torch.full_like(right, 0.5)
    prior = sum_right / (sum_right + sum_wrong)
    if_right = prior * (right + alpha) / (sum_right + alpha * bins)
    if_wrong = (1 - prior) * (wrong + alpha) / (sum_wrong + alpha * bins)
    return if_right / (if_right + if_wrong)
