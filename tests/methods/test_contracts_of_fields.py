"""What every method of the registry keeps to for other values of its fields as well: see `variants`."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.batches import World, cast, change
from tests.methods.variants import all_methods
from tests.test_contracts import same
from workbench.kinds import LossPiece
from workbench.method import Method, advantages, lens_all, objective, settle
from workbench.ops import slot_view
from workbench.types import Batch

every_variant = pytest.mark.parametrize("method", all_methods())


def answers(method: Method, batch: Batch) -> dict[str, Tensor]:
    """All that a method computes of a batch: tensors per token, and the loss."""
    settled = settle(method, batch)
    constants = {f"{slot}.{name}": value for slot, found in settled.constants.items() for name, value in found.items()}
    return {
        "advantage": advantages(method, batch),
        "weight": settled.weight,
        "loss": objective(method, batch, settled),
        **{f"weight of regulariser {number}": value for number, value in enumerate(settled.regulariser_weights)},
        **{f"lens of {name}": value for name, value in lens_all(method, batch).items()},
        **{f"constant {name}": value for name, value in constants.items() if value.is_floating_point()},
    }


def near(one: Any, other: Any) -> bool:
    """Whether what a piece remembers is the same but for rounding."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(near(one[name], other[name]) for name in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(near, one, other))
    return one == pytest.approx(other, rel=1e-5)


@every_variant
def test_tokens_outside_the_mask_change_nothing(method):
    """Columns that no rollout is trained on, at the start, in the middle and at the end, with wild numbers in them."""
    world = World(10)
    batch = world.batch(method)
    kept = torch.tensor([1, 2, 5, 6, 8, 10, 11])  # where the columns of the batch stand among the wider ones

    def holed(values: Tensor) -> Tensor:
        wild = torch.where(torch.arange(13) % 2 == 0, 7e4, -3e4).to(values.dtype).expand(len(values), 13).clone()
        wild[:, kept] = values
        return wild

    mask = torch.zeros(world.rollouts, 13, dtype=torch.bool)
    mask[:, kept] = batch.mask
    wide = change(batch, holed, mask=mask)
    expected, found = answers(method, batch), answers(method, wide)
    for name, value in expected.items():
        part = found[name] if value.dim() < 2 else found[name][:, kept]
        same(torch.where(batch.mask, part, 0.0) if value.dim() == 2 else part,
             torch.where(batch.mask, value, 0.0) if value.dim() == 2 else value)  # fmt: skip
        if value.dim() == 2 and not name.startswith("constant"):
            assert (torch.where(mask, 0.0, found[name]) == 0).all(), name
    for slot, piece in method.pieces():
        if isinstance(piece, LossPiece):
            states = [piece.learn(piece.init(), slot_view(each, slot)) for each in (batch, wide)]
            assert near(*states), slot


@contextmanager
def double_by_default() -> Iterator[None]:
    """Inside, a constant without a type of its own is float64."""
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


@every_variant
def test_in_float64_nothing_is_rounded_to_float32(method):
    """Not a single constant: with float64 as torch's default type the same numbers come out, to the last digits."""
    single = World(11).batch(method)
    double = cast(single, torch.float64)
    found = answers(method, double)
    with double_by_default():
        exact = answers(method, double)
    rough = answers(method, single)
    for name, value in found.items():
        assert value.dtype == torch.float64, name
        same(value, exact[name], 1e-12)
        assert rough[name].dtype == torch.float32, name
        same(rough[name].double(), value, 1e-3)
