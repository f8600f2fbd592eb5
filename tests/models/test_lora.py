"""LoRA layers with their product in one: the numbers and gradients of peft's own, and peft's switches still work."""

import pytest
import torch

from workbench.models import LoraSpec, ModelSpec, load_policy
from workbench.types import Row

ROWS = [Row([1, 20, 30], [40, 50, 60]), Row([1, 20, 30], [41]), Row([2], [50, 51])]


def numbers(policy) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Hidden states, and the gradient of every trained weight."""
    found = policy.before(ROWS)
    policy.model.zero_grad()
    (found * torch.linspace(-1, 1, found.numel()).view_as(found)).sum().backward()
    return found.detach(), {name: weight.grad.clone() for name, weight in policy.trainable().items()}


def shaken(spec: ModelSpec):
    """A policy whose adapter is not zero."""
    policy = load_policy(spec)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in policy.trainable().values():
            weight.normal_(0, 0.05, generator=generator)
    return policy


@pytest.mark.parametrize("how", ["torch", "onednn"])
@pytest.mark.parametrize("rslora", [False, True])
@pytest.mark.parametrize("checkpointing", [False, True])
def test_numbers_and_gradients_are_pefts(how, rslora, checkpointing):
    lora = LoraSpec(rank=4, alpha=12.0, rslora=rslora)
    policy = shaken(ModelSpec(linear=how, lora=lora, gradient_checkpointing=checkpointing))
    from peft.tuners.lora.layer import Linear

    from workbench.models.lora import LoraLinear

    layers = [module for module in policy.model.modules() if isinstance(module, LoraLinear)]
    assert layers
    ours, gradients = numbers(policy)
    for module in layers:
        module.__class__ = Linear
    theirs, expected = numbers(policy)
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)
    for name, gradient in expected.items():
        torch.testing.assert_close(gradients[name], gradient, atol=1e-4, rtol=1e-4, msg=name)


def test_the_adapter_can_be_switched_off():
    policy = shaken(ModelSpec(lora=LoraSpec(rank=4)))
    plain = load_policy(ModelSpec())
    tokens = torch.tensor([[1, 20, 30]])
    with torch.no_grad():
        assert not torch.allclose(policy.hidden(tokens), plain.hidden(tokens), atol=1e-3)
        with policy.reference():
            torch.testing.assert_close(policy.hidden(tokens), plain.hidden(tokens))


@pytest.mark.parametrize("spec", [ModelSpec(lora=LoraSpec(dora=True)), ModelSpec(dtype="bfloat16", lora=LoraSpec())])
def test_other_layers_are_left_to_peft(spec):
    policy = load_policy(spec)
    from workbench.models.lora import LoraLinear, add_in_place

    assert add_in_place(policy.model) == 0
    assert not any(isinstance(module, LoraLinear) for module in policy.model.modules())
