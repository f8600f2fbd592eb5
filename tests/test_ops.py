"""What the doctests of `ops` leave out: exactness, emptiness, and precision."""

import torch

from workbench import ops


def test_equal_rewards_have_exactly_no_spread():
    values = torch.tensor([0.1, 0.1, 0.1, 0.7, 0.7])
    group = torch.tensor([0, 0, 0, 1, 1])
    assert (ops.group_centre(values, group) == 0).all()
    assert (ops.group_std(values, group) == 0).all()


def test_a_mean_far_from_zero_keeps_small_differences():
    values = torch.tensor([1e6 + 1.0, 1e6 - 1.0], dtype=torch.float64)
    group = torch.zeros(2, dtype=torch.long)
    assert ops.group_centre(values, group).tolist() == [1.0, -1.0]


def test_unscored_values_stay_out_of_statistics():
    nan = float("nan")
    values = torch.tensor([1.0, nan, 3.0])
    group = torch.zeros(3, dtype=torch.long)
    assert ops.group_mean(values, group).tolist() == [2.0, 2.0, 2.0]
    centred = ops.group_centre(values, group)
    assert centred[1].isnan()
    assert centred[[0, 2]].tolist() == [-1.0, 1.0]
    assert ops.group_count(values, group).tolist() == [2.0, 2.0, 2.0]
    assert ops.group_mean(torch.tensor([nan, nan]), torch.zeros(2, dtype=torch.long)).tolist() == [0.0, 0.0]


def test_a_batch_without_tokens_is_no_error():
    values, mask = torch.ones(2, 3), torch.zeros(2, 3, dtype=torch.bool)
    assert ops.masked_mean(values, mask).tolist() == [0.0, 0.0]
    assert ops.batch_mean(values, mask).item() == 0.0
    assert (ops.whiten(values, mask) == 0).all()
    assert (ops.min_max(values, mask) == 0).all()
    assert (ops.at_last_token(torch.ones(2), mask) == 0).all()
    nothing = torch.zeros(0)
    assert ops.group_sum(nothing, torch.zeros(0, dtype=torch.long)).shape == (0,)


def test_whitened_values_have_no_mean_and_unit_variance():
    values = torch.arange(12.0).view(3, 4)
    mask = torch.tensor([[1, 1, 1, 0], [1, 1, 1, 1], [1, 0, 0, 0]], dtype=torch.bool)
    marked = ops.whiten(values, mask)[mask]
    torch.testing.assert_close(marked.mean().item(), 0.0, atol=1e-6, rtol=0)
    torch.testing.assert_close(marked.std().item(), 1.0, atol=1e-6, rtol=0)


def test_discounted_suffix_sums_by_definition():
    values = torch.randn(3, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    expected = torch.stack([sum(values[:, k] * 0.9 ** (k - t) for k in range(t, 6)) for t in range(6)], dim=1)
    torch.testing.assert_close(ops.suffix_sum(values, 0.9), expected)
    torch.testing.assert_close(ops.suffix_sum(values), ops.suffix_sum(values, 1.0 - 1e-15))


def test_the_last_token_is_the_last_marked_one():
    mask = torch.tensor([[1, 0, 1, 0], [1, 1, 0, 0]], dtype=torch.bool)
    assert ops.at_last_token(torch.tensor([2.0, 3.0]), mask).tolist() == [[0, 0, 2, 0], [0, 3, 0, 0]]
