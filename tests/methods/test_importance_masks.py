"""The corrections as methods: what each does to a rollout the engine drew unlike the trainer."""

import math

import torch

from tests.batches import assert_close, toy
from workbench.method import lens
from workbench.registry import find_method

GRPO, TIS, MIS, POP = (find_method(key) for key in ("grpo", "grpo_tis", "grpo_mis", "grpo_icepop"))


def gaps(*rows: list[float]) -> torch.Tensor:
    return toy().old_logprob - torch.tensor(rows, dtype=torch.float64).log()


def test_tokens_are_weighed_and_truncated():
    """Ratios 1.5, 3 -> 2, .5 in the first rollout, 1 elsewhere."""
    batch = toy().extend(engine_logprob=gaps([1.5, 3, 0.5], [1, 1, 1], [1, 1, 1], [1, 1, 1]))
    expected = lens(GRPO, batch)
    expected[0] *= torch.tensor([1.5, 2.0, 0.5])
    assert_close(lens(TIS, batch), expected, 1e-9)


def test_rollouts_are_weighed_and_masked():
    """Products 2, 4 -> 0, 1/8, 1; the mask has no lower bound."""
    batch = toy().extend(engine_logprob=gaps([2, 1, 1], [2, 2, 1], [0.5, 0.5, 0.5], [1, 1, 1]))
    expected = lens(GRPO, batch) * torch.tensor([[2.0], [0.0], [0.125], [1.0]])
    assert_close(lens(MIS, batch), expected, 1e-9)


def test_tokens_are_masked_on_both_sides():
    """Ratios 4, 6 -> 0, .4 -> 0; .51 and 4.9 are kept."""
    batch = toy().extend(engine_logprob=gaps([4, 6, 0.4], [0.51, 4.9, 1], [1, 1, 1], [1, 1, 1]))
    expected = lens(GRPO, batch)
    expected[:2] *= torch.tensor([[4.0, 0.0, 0.0], [0.51, 4.9, 1.0]])
    assert_close(lens(POP, batch), expected, 1e-9)


def test_a_lower_bound():
    batch = toy().extend(engine_logprob=gaps([2, 1, 1], [2, 2, 1], [0.5, 0.5, 0.5], [1, 1, 1]))
    bounded = MIS.override({"correction": {"floor": 0.2}})
    assert (lens(bounded, batch)[2] == 0).all()
    truncated = TIS.override({"correction": {"floor": 0.8}})
    assert_close(lens(truncated, batch)[2], 0.8 * lens(GRPO, batch)[2], 1e-9)
    assert math.isclose(bounded.correction.floor, 0.2)
