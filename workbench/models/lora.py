"""LoRA layers whose adapter is added in place: peft's own layers, the same weights, less memory moved.

peft forms the adapter's product, its multiple and the sum apart, each as wide as the layer, and keeps what their
backward passes need. Here the product is added onto the base's, and input and narrow product alone are kept.
LoRA: arXiv:2106.09685, section 4.1.
"""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from peft.tuners.lora.layer import Linear
from torch import Tensor, nn

from workbench.models import linear


class Adapted(torch.autograd.Function):
    """left @ weight.T + bias + scaling · left @ down.T @ up.T, with gradients of left, down and up.

    left [n, in], weight [out, in] without gradient, down [rank, in], up [out, rank]; `product` as `F.linear`.
    """

    @staticmethod
    def forward(context: Any, left: Tensor, module: "LoraLinear", down: Tensor, up: Tensor) -> Tensor:
        """[n, out]."""
        product, base = module.product, module.base_layer
        low = left @ down.t()
        context.save_for_backward(left, low, base.weight, down, up)
        context.scaling, context.product = module.scaling[module.active_adapters[0]], product
        answer: Tensor = product(left, base.weight, base.bias)
        return answer.addmm_(low, up.t(), alpha=context.scaling)

    @staticmethod
    def backward(context: Any, *gradients: Any) -> tuple[Tensor | None, None, Tensor, Tensor]:
        """Of left where it is asked for, of down, of up."""
        left, low, weight, down, up = context.saved_tensors
        gradient: Tensor = gradients[0]
        narrow = (gradient @ up).mul_(context.scaling)
        of_left = None
        if context.needs_input_grad[0]:
            of_left = context.product(gradient, weight.t()).addmm_(narrow, down)
        return of_left, None, narrow.t() @ left, (gradient.t() @ low).mul_(context.scaling)


class LoraLinear(Linear):  # type: ignore[misc]  # peft is untyped here
    """peft's layer with `Adapted` for its product; made out of one by `add_in_place`."""

    product: Callable[..., Tensor]

    def forward(self, x: Tensor, *args: Any, **keywords: Any) -> Tensor:
        """x [..., in] -> [..., out]."""
        if self.disable_adapters or self.merged or args or keywords or len(self.active_adapters) != 1:
            answer: Tensor = super().forward(x, *args, **keywords)
            return answer
        name = self.active_adapters[0]
        flat = x.reshape(-1, x.shape[-1])
        adapted: Tensor = Adapted.apply(flat, self, self.lora_A[name].weight, self.lora_B[name].weight)
        return adapted.view(*x.shape[:-1], -1)


def add_in_place(model: nn.Module) -> int:
    """Gives a model's plain LoRA layers their product in one; answers how many there were.

    Left to peft are layers in another type than float32, with quantised weights, or with a variant such as DoRA.
    """
    layers: list[Any] = [module for module in model.modules() if type(module) is Linear and suits(module)]
    for layer in layers:
        layer.__class__ = LoraLinear
        layer.product = linear.product if isinstance(layer.base_layer, linear.OneDnnLinear) else F.linear
    return len(layers)


def suits(module: Any) -> bool:
    """Whether a layer of peft's is plain LoRA over plain float32 weights."""
    weights = [module.base_layer.weight, *(part.weight for part in (*module.lora_A.values(), *module.lora_B.values()))]
    plain = isinstance(module.base_layer, nn.Linear) and all(weight.dtype == torch.float32 for weight in weights)
    return plain and not module.lora_variant and not any(module.lora_bias.values())
