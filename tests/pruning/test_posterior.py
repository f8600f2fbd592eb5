"""The binned posterior, against Bayes' rule by hand and the frequencies it tends to."""

import pytest
import torch

from workbench.pruning.posterior import bin_of, count, posterior


def test_worked_by_hand():
    """Two bins, alpha 1: N+ = 4, N- = 6, prior .4; P(0|+) = 2/6, P(0|-) = 6/8."""
    found = posterior(torch.tensor([1, 3]), torch.tensor([5, 1]), 1.0)
    first = 0.4 * 2 / 6 / (0.4 * 2 / 6 + 0.6 * 6 / 8)
    second = 0.4 * 4 / 6 / (0.4 * 4 / 6 + 0.6 * 2 / 8)
    torch.testing.assert_close(found, torch.tensor([first, second], dtype=torch.float64))


def test_with_many_labels_it_is_the_smoothed_frequency():
    right = torch.tensor([0, 0, 8, 21, 19, 13, 0]).repeat_interleave(20)
    wrong = torch.tensor([6, 37, 47, 22, 6, 0, 0]).repeat_interleave(20)
    smoothed = (right + 1.0) / (right + wrong + 2.0)
    found = posterior(right, wrong, 1.0)
    assert (found - smoothed).abs().max() < 0.04
    assert found[-1] == pytest.approx(0.5, abs=0.03)  # an empty bin is undecided, whatever the prior (here .34)


@pytest.mark.parametrize(("right", "wrong", "expected"), [([0, 0], [0, 0], 0.5), ([0, 0], [3, 2], 0.0)])
def test_without_labels_of_a_kind(right, wrong, expected):
    found = posterior(torch.tensor(right), torch.tensor(wrong), 1.0)
    assert found.tolist() == [expected, expected]


def test_bins_have_their_lower_edge():
    score = torch.tensor([0.0, 1 / 128, 0.5, 127 / 128, 1.0])
    assert bin_of(score, 128).tolist() == [0, 1, 64, 127, 127]
    right, wrong = count(score, torch.tensor([True, False, True, True, False]), 128)
    assert right.nonzero()[:, 0].tolist() == [0, 64, 127]
    assert wrong.nonzero()[:, 0].tolist() == [1, 127]


def test_pruning_by_score_leaves_it_unbiased():
    """Survival depends on the bin alone, so the survivors' labels say the same as everybody's."""
    generator = torch.Generator().manual_seed(0)
    score = torch.rand(200_000, generator=generator)
    correct = torch.rand(200_000, generator=generator) < score**2
    survival = 0.9 - 0.8 * bin_of(score, 8) / 7
    kept = torch.rand(200_000, generator=generator) < survival
    everyone, survivors = (posterior(*count(score[rows], correct[rows], 8), 1.0) for rows in (kept | True, kept))
    assert float(correct[kept].float().mean()) < 0.8 * float(correct.float().mean())  # though they are a choice
    torch.testing.assert_close(survivors, everyone, atol=0.02, rtol=0)
