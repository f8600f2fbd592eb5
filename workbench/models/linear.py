"""Linear layers whose products oneDNN forms, for float32 on a CPU.

torch gives float32 products on a CPU to MKL, which on processors that are not Intel's leaves AVX-512 unused; oneDNN
uses it. Forward and the gradient of the input go to oneDNN; the gradient of the weight stays with torch, which was
faster there when measured on two cores.
"""

from typing import Any

import torch
from torch import Tensor, nn


def available() -> bool:
    """Whether this torch was built with oneDNN."""
    return bool(torch.backends.mkldnn.is_available())


def product(left: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """left @ weight.T + bias, float32 on a CPU: left [..., i], weight [o, i], bias [o]."""
    answer: Tensor = torch.ops.mkldnn._linear_pointwise.default(left, weight, bias, "none", [], "")
    return answer


class Product(torch.autograd.Function):
    """`product` with gradients."""

    @staticmethod
    def forward(context: Any, left: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """See `product`."""
        context.save_for_backward(left, weight)
        return product(left, weight, bias)

    @staticmethod
    def backward(context: Any, *gradients: Any) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        """Gradients of left, weight and bias, where they are asked for."""
        left, weight = context.saved_tensors
        gradient: Tensor = gradients[0]
        asked = context.needs_input_grad
        flat = gradient.reshape(-1, gradient.shape[-1])
        of_left = product(flat, weight.t()).view(left.shape) if asked[0] else None
        of_weight = flat.t() @ left.reshape(-1, left.shape[-1]) if asked[1] else None
        of_bias = flat.sum(0) if asked[2] else None
        return of_left, of_weight, of_bias


class OneDnnLinear(nn.Linear):
    """`nn.Linear` by oneDNN; made out of one by `use_onednn`, names and parameters stay."""

    def forward(self, input: Tensor) -> Tensor:
        """input [..., in_features] -> [..., out_features]."""
        if torch.is_grad_enabled():
            answer: Tensor = Product.apply(input, self.weight, self.bias)
            return answer
        return product(input, self.weight, self.bias)


def use_onednn(model: nn.Module) -> int:
    """Gives every plain float32 linear layer of a model on a CPU to oneDNN; returns how many there were."""
    if not available():
        raise ValueError("model.linear = 'onednn': this torch was built without oneDNN; set model.linear = 'torch'")
    count = 0
    for module in model.modules():
        if type(module) is nn.Linear and module.weight.dtype == torch.float32 and module.weight.device.type == "cpu":
            module.__class__ = OneDnnLinear
            count += 1
    return count


def names(model: nn.Module) -> list[str]:
    """What a model calls its linear layers, each name once, in the order they come."""
    return list(
        dict.fromkeys(name.split(".")[-1] for name, part in model.named_modules() if isinstance(part, nn.Linear))
    )
