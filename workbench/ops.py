"""Masked and grouped arithmetic: pure functions. Statistics are formed in float64 and returned in the input's type."""

import torch
from torch import Tensor

from workbench.types import Batch, Index, Mask, PerRollout, PerToken, Scalar


def masked_sum(values: PerToken, mask: Mask) -> PerRollout:
    """Sum over the tokens of each rollout that the mask marks; what lies outside may be nan.

    >>> masked_sum(torch.tensor([[1.0, 2.0], [3.0, float("nan")]]), torch.tensor([[True, True], [True, False]]))
    tensor([3., 3.])
    """
    return torch.where(mask, values, 0.0).sum(1)


def masked_mean(values: PerToken, mask: Mask) -> PerRollout:
    """Mean over each rollout's marked tokens; 0 for a rollout without any.

    >>> masked_mean(torch.tensor([[1.0, 2.0], [3.0, 9.0]]), torch.tensor([[True, True], [True, False]]))
    tensor([1.5000, 3.0000])
    """
    return masked_sum(values, mask) / mask.sum(1).clamp(min=1)


def batch_mean(values: PerToken, mask: Mask) -> Scalar:
    """Mean over all marked tokens of the batch; 0 if there are none.

    >>> batch_mean(torch.tensor([[1.0, 2.0], [6.0, 9.0]]), torch.tensor([[True, True], [True, False]]))
    tensor(3.)
    """
    return torch.where(mask, values, 0.0).sum() / mask.sum().clamp(min=1)


def whiten(values: PerToken, mask: Mask, *, correction: int = 1, eps: float = 1e-8) -> PerToken:
    """(value - mean) / sqrt(variance + eps) over all marked tokens; 0 elsewhere, and everywhere if fewer than two.

    >>> whiten(torch.tensor([[1.0, 3.0]]), torch.tensor([[True, True]]), correction=0)
    tensor([[-1.,  1.]])
    """
    count = int(mask.sum())
    if count < 2:
        return torch.zeros_like(values)
    wide = torch.where(mask, values, 0.0).double()
    mean = wide.sum() / count
    centred = torch.where(mask, wide - mean, 0.0)
    variance = centred.square().sum() / (count - correction)
    return (centred / (variance + eps).sqrt()).to(values.dtype)


def group_sum(values: PerRollout, group: Index) -> PerRollout:
    """Sum over each rollout's group, given to every member; nan counts as nothing.

    >>> group_sum(torch.tensor([1.0, 2.0, 5.0]), torch.tensor([7, 7, 3]))
    tensor([3., 3., 5.])
    """
    _, place = torch.unique(group, return_inverse=True)
    wide = values.double().nan_to_num(nan=0.0)
    sums = torch.zeros(int(place.max()) + 1 if len(place) else 0, dtype=torch.float64, device=values.device)
    return sums.index_add(0, place, wide)[place].to(values.dtype)


def group_count(values: PerRollout, group: Index) -> PerRollout:
    """How many of each rollout's group are not nan.

    >>> group_count(torch.tensor([1.0, float("nan"), 5.0]), torch.tensor([7, 7, 3]))
    tensor([1., 1., 1.])
    """
    return group_sum((~values.isnan()).to(values.dtype), group)


def group_mean(values: PerRollout, group: Index) -> PerRollout:
    """Mean of each rollout's group without its nans; 0 where all are nan.

    >>> group_mean(torch.tensor([1.0, 2.0, 5.0]), torch.tensor([7, 7, 3]))
    tensor([1.5000, 1.5000, 5.0000])
    """
    total = group_sum(values.double(), group)
    return (total / group_count(values.double(), group).clamp(min=1)).to(values.dtype)


def group_std(values: PerRollout, group: Index, *, correction: int = 1) -> PerRollout:
    """Standard deviation of each rollout's group: of the sample (correction 1) or the population (0); 0 for one.

    >>> group_std(torch.tensor([1.0, 3.0, 5.0]), torch.tensor([7, 7, 3]))
    tensor([1.4142, 1.4142, 0.0000])
    """
    centred = group_centre(values.double(), group)
    squares = group_sum(centred.square(), group)
    count = group_count(values.double(), group)
    return (squares / (count - correction).clamp(min=1)).sqrt().to(values.dtype)


def group_centre(values: PerRollout, group: Index) -> PerRollout:
    """Each value less its group's mean, formed in float64 so that equal values give exactly 0; nan stays nan.

    >>> group_centre(torch.tensor([0.1, 0.1, 0.1]), torch.tensor([0, 0, 0]))
    tensor([0., 0., 0.])
    """
    wide = values.double()
    centred = wide - group_mean(wide, group)
    centred = torch.where(centred.abs() <= 1e-12 * wide.abs(), 0.0, centred)
    return centred.to(values.dtype)


def suffix_sum(values: PerToken, decay: float = 1.0, mask: Mask | None = None) -> PerToken:
    """Discounted sum from each token to the end: out[t] = values[t] + decay · out[next token], [rollout, token].

    With a mask, tokens outside it are stepped over: they neither add to the sum nor discount it, and get 0.

    >>> suffix_sum(torch.tensor([[1.0, 2.0, 4.0]]), decay=0.5)
    tensor([[3., 4., 4.]])
    >>> suffix_sum(torch.tensor([[1.0, 2.0, 9.0, 4.0]]), 0.5, torch.tensor([[True, True, False, True]]))
    tensor([[3., 4., 0., 4.]])
    """
    mask = torch.ones_like(values, dtype=torch.bool) if mask is None else mask
    values = torch.where(mask, values, 0.0)
    if decay == 1.0:
        return torch.where(mask, values.flip(1).cumsum(1).flip(1), 0.0)
    sums, carried = [], torch.zeros_like(values[:, 0])
    for column in reversed(range(values.shape[1])):
        carried = torch.where(mask[:, column], values[:, column] + decay * carried, carried)
        sums.append(carried)
    return torch.where(mask, torch.stack(sums[::-1], dim=1), 0.0)


def next_marked(values: PerToken, mask: Mask) -> PerToken:
    """For each token the value of the next marked token of its rollout, 0 after the last, [rollout, token].

    >>> next_marked(torch.tensor([[1.0, 2.0, 9.0, 4.0]]), torch.tensor([[True, True, False, True]]))
    tensor([[2., 4., 4., 0.]])
    """
    columns, later = [], torch.zeros_like(values[:, 0])
    for column in reversed(range(values.shape[1])):
        columns.append(later)
        later = torch.where(mask[:, column], values[:, column], later)
    return torch.stack(columns[::-1], dim=1)


def at_last_token(values: PerRollout, mask: Mask) -> PerToken:
    """A number per rollout, placed on its last marked token; zero elsewhere.

    >>> at_last_token(torch.tensor([5.0]), torch.tensor([[True, True, False]]))
    tensor([[0., 5., 0.]])
    """
    last = mask & (mask.flip(1).cumsum(1).flip(1) == 1)
    return torch.where(last, values[:, None], 0.0)


def spread(values: PerRollout, mask: Mask) -> PerToken:
    """A number per rollout, given to each of its marked tokens; zero elsewhere.

    >>> spread(torch.tensor([5.0]), torch.tensor([[True, True, False]]))
    tensor([[5., 5., 0.]])
    """
    return torch.where(mask, values[:, None], 0.0)


def min_max(values: Tensor, mask: Mask, *, constant: float = 0.5) -> PerToken:
    """Values scaled to [0, 1] over all marked tokens; `constant` everywhere if they are all alike.

    >>> min_max(torch.tensor([[1.0, 3.0, 2.0]]), torch.ones(1, 3, dtype=torch.bool))
    tensor([[0.0000, 1.0000, 0.5000]])
    """
    if not mask.any():
        return torch.zeros_like(values)
    marked = values[mask]
    low, high = marked.min(), marked.max()
    if bool(low == high):
        return torch.where(mask, constant, 0.0).to(values.dtype)
    return torch.where(mask, (values - low) / (high - low), 0.0)


def slot_view(batch: Batch, slot: str) -> Batch:
    """The batch with only this slot's state."""
    return batch.replace(state={slot: batch.state.get(slot, {})})


def sanitise(batch: Batch) -> Batch:
    """The batch in float32 at least, unscored rollouts masked, zeros in place of whatever stands outside the mask."""
    mask = batch.mask & batch.scored[:, None]
    extras = {
        name: masked_values(value, mask)
        if value.dim() >= 2 and value.shape[:2] == mask.shape
        else at_least_float32(value)
        for name, value in batch.extras.items()
    }
    signals = {"logprob": masked_values(batch.logprob, mask), "old_logprob": masked_values(batch.old_logprob, mask)}
    return batch.replace(
        mask=mask,
        reward=at_least_float32(batch.reward),
        correct=at_least_float32(batch.correct),
        extras=extras,
        **signals,
    )


def masked_values(value: Tensor, mask: Mask) -> Tensor:
    """A tensor per token, or per token and more, in float32 at least, with zeros outside the mask."""
    value = at_least_float32(value)
    marked = mask if value.dim() == 2 else mask[..., None]
    return torch.where(marked, value, torch.zeros((), dtype=value.dtype, device=value.device))


def at_least_float32(value: Tensor) -> Tensor:
    """Half precision as float32: bfloat16 cannot resolve ratios near 1."""
    return value.float() if value.dtype in (torch.bfloat16, torch.float16) else value
