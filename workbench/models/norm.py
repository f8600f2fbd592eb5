"""Root-mean-square norms in as few passes as they need, for float32 on a CPU.

transformers writes the norm as six operations, each of which writes and keeps a tensor; here two are kept, the normed
values and one number a line, and forward and backward pass together take 40 % of the time.
"""

from typing import Any

import torch
from torch import Tensor, nn


class Norm(torch.autograd.Function):
    """values / sqrt(mean(values²) + eps) * weight, over the last axis: arXiv:1910.07467, section 4."""

    @staticmethod
    def forward(context: Any, values: Tensor, weight: Tensor, eps: float) -> Tensor:
        """values [..., width], weight [width]."""
        length = torch.linalg.vector_norm(values, dim=-1, keepdim=True)
        scale = length.square_().div_(values.shape[-1]).add_(eps).rsqrt_()
        normed = values * scale
        context.save_for_backward(normed, scale, weight)
        answer: Tensor = normed * weight
        return answer

    @staticmethod
    def backward(context: Any, *gradients: Any) -> tuple[Tensor | None, Tensor | None, None]:
        """Gradients of values and weight, where they are asked for."""
        normed, scale, weight = context.saved_tensors
        gradient: Tensor = gradients[0]
        of_values = of_weight = None
        if context.needs_input_grad[1]:
            of_weight = (gradient * normed).flatten(0, -2).sum(0)
        if context.needs_input_grad[0]:
            inner = gradient * weight
            share = torch.linalg.vecdot(inner, normed).div_(-normed.shape[-1]).unsqueeze(-1)
            of_values = torch.addcmul(inner, normed, share).mul_(scale)
        return of_values, of_weight, None


class PlainNorm(nn.Module):
    """A transformers RMS norm with `Norm`'s gradient; made out of one by `use_norm`, names and parameters stay."""

    weight: nn.Parameter
    variance_epsilon: float

    def forward(self, hidden_states: Tensor) -> Tensor:
        """hidden_states [..., width] -> [..., width]."""
        answer: Tensor = Norm.apply(hidden_states, self.weight, self.variance_epsilon)
        return answer


def use_norm(model: nn.Module) -> int:
    """Gives every float32 norm on a CPU that is Llama's to `PlainNorm`; returns how many there were."""
    count = 0
    for module in model.modules():
        if not known(module):
            continue
        module.__class__ = PlainNorm
        count += 1
    return count


def known(module: nn.Module) -> bool:
    """Whether a module is a norm of a family whose formula is this one; Gemma's adds 1 to the weight."""
    families = ("LlamaRMSNorm", "MistralRMSNorm", "Qwen2RMSNorm", "Qwen3RMSNorm")
    if type(module).__name__ not in families:
        return False
    weight: Tensor = module.weight  # type: ignore[assignment]
    return weight.dtype == torch.float32 and weight.device.type in ("cpu", "meta")
