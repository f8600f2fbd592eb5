"""Joined projections give what their modules give, adapters included, and stay where they are."""

from typing import Any

import pytest
import torch
from torch.nn import functional as F
from transformers import LlamaConfig, LlamaForCausalLM

from tests.engines.engine_models import build, make_policy
from workbench.engines.local.joined import Part, join, part_of
from workbench.models import LoraSpec


def attention(dtype: torch.dtype, targets: tuple[str, ...]) -> Any:
    """Attention of a model with biases and an adapter on some of its projections."""
    model = build(LlamaForCausalLM, LlamaConfig, attention_bias=True).to(dtype)
    return make_policy(model, LoraSpec(rank=4, alpha=8, targets=targets)).causal.model.layers[0].self_attn


@pytest.mark.parametrize("targets", [("q_proj", "k_proj", "v_proj"), ("v_proj",)])
@pytest.mark.parametrize(("dtype", "close"), [(torch.float32, 1e-5), (torch.bfloat16, 5e-2)])
@torch.no_grad()
def test_as_the_modules_one_by_one(dtype, close, targets):
    layer = attention(dtype, targets)
    modules = [layer.q_proj, layer.k_proj, layer.v_proj]
    values = torch.randn(5, 32).to(dtype)
    found = join([part_of(module) for module in modules], F.linear, None)(values)
    assert found.dtype == dtype
    torch.testing.assert_close(found, torch.cat([module(values) for module in modules], 1), atol=close, rtol=close)


@torch.no_grad()
def test_half_types_keep_what_rounding_would_take():
    layer = attention(torch.bfloat16, ("v_proj",))
    module = layer.v_proj
    module.base_layer.weight.fill_(1.0)  # the next number above is 1.0078
    module.base_layer.bias.zero_()
    module.lora_A["default"].weight.fill_(0.25)
    module.lora_A["default"].weight[:, 1::2] = 0.0
    module.lora_B["default"].weight.fill_(5e-4)  # with four ranks and a scale of two: 0.001 on every other weight
    values = torch.ones(1, 32, dtype=torch.bfloat16)
    values[:, 1::2] = -1.0  # the weights themselves add up to nothing
    answer = join([part_of(module)], F.linear, None)(values)
    torch.testing.assert_close(answer.float(), torch.full_like(answer, 0.016).float(), atol=1e-4, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@torch.no_grad()
def test_joined_anew_in_the_same_place(dtype):
    layer = attention(dtype, ("q_proj",))
    modules = [layer.q_proj, layer.k_proj]
    kept = join([part_of(module) for module in modules], F.linear, None)
    values = torch.randn(3, 32).to(dtype)
    before = kept(values)
    layer.q_proj.lora_B["default"].weight.mul_(3.0)
    layer.k_proj.weight.mul_(2.0)
    fresh = join([part_of(module) for module in modules], F.linear, kept)
    for name in ("weight", "bias", "down", "up"):
        assert getattr(fresh, name).data_ptr() == getattr(kept, name).data_ptr()
    assert not torch.allclose(fresh(values), before)
    torch.testing.assert_close(fresh(values), join([part_of(module) for module in modules], F.linear, None)(values))


def test_outputs_in_another_order():
    part = Part(torch.arange(6.0).view(3, 2), torch.arange(3.0), torch.zeros(0, 2), torch.zeros(3, 0))
    found = part.outputs(torch.tensor([2, 0]), 2.0)
    assert found.weight.tolist() == [[8.0, 10.0], [0.0, 2.0]]
    assert found.bias is not None
    assert found.bias.tolist() == [4.0, 0.0]
    assert found.up.shape == (2, 0)
