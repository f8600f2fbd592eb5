"""A layer's weights as the fused decoder multiplies them: projections of the same input joined into one.

In float32 an adapter is added into the weights. Half types would round its small changes away, and the rollouts would
be those of a policy some steps old: there its two matrices stay beside the weights, joined as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workbench.engines.base import Product


@dataclass(frozen=True)
class Part:
    """One linear module: weight [out, in], bias [out], and an adapter up @ down that is not in the weight."""

    weight: Tensor
    bias: Tensor | None
    down: Tensor  # [rank, in]; rank 0 where there is none
    up: Tensor  # [out, rank]

    def outputs(self, index: Tensor, scale: float) -> "Part":
        """Some outputs, in this order, scaled."""
        bias = None if self.bias is None else self.bias[index] * scale
        return Part(self.weight[index] * scale, bias, self.down, self.up[index] * scale)


def part_of(module: Any) -> Part:
    """A linear module with its active adapters, if any."""
    base: nn.Linear = getattr(module, "base_layer", module)
    weight, bias = base.weight.detach(), None if base.bias is None else base.bias.detach()
    adapters = [] if base is module else list(module.active_adapters)
    if weight.dtype == torch.float32:
        for adapter in adapters:
            weight = weight + module.get_delta_weight(adapter).detach()
        adapters = []
    down, up = weight.new_zeros(0, weight.shape[1]), weight.new_zeros(weight.shape[0], 0)
    for adapter in adapters:
        down = torch.cat((down, module.lora_A[adapter].weight.detach().to(weight.dtype)))
        scaled = module.lora_B[adapter].weight.detach() * module.scaling[adapter]
        up = torch.cat((up, scaled.to(weight.dtype)), 1)
    return Part(weight, bias, down, up)


@dataclass(frozen=True)
class Projection:
    """Joined parts, ready to be multiplied."""

    weight: Tensor
    bias: Tensor | None
    down: Tensor
    up: Tensor
    product: Product

    def __call__(self, values: Tensor) -> Tensor:
        """values [n, in] -> [n, out]."""
        answer = self.product(values, self.weight, self.bias)
        return torch.addmm(answer, F.linear(values, self.down), self.up.t()) if len(self.down) else answer


def join(parts: Sequence[Part], product: Product, kept: Projection | None) -> Projection:
    """Parts of the same input as one, in the memory of the projection kept from before, if there is one."""
    biases = [part.weight.new_zeros(len(part.weight)) if part.bias is None else part.bias for part in parts]
    biased = any(part.bias is not None for part in parts)
    return Projection(
        into(kept.weight if kept else None, torch.cat([part.weight for part in parts])),
        into(kept.bias if kept else None, torch.cat(biases)) if biased else None,
        into(kept.down if kept else None, torch.cat([part.down for part in parts])),
        into(kept.up if kept else None, torch.block_diag(*(part.up for part in parts))),
        product,
    )


def into(kept: Tensor | None, fresh: Tensor) -> Tensor:
    """Fresh numbers, in the place of those kept: what was recorded of a step reads them there."""
    return fresh if kept is None else kept.copy_(fresh)
