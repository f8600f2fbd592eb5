"""Packed rows: parts of similar length, and gradients as torch's own."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from transformers.models.qwen3.modeling_qwen3 import Qwen3RMSNorm

from workbench.models import packed
from workbench.models.load import load_policy
from workbench.models.norm import PlainNorm, use_norm
from workbench.models.spec import ModelSpec
from workbench.types import Row


@given(st.lists(st.integers(1, 90), min_size=1, max_size=200))
def test_parts_are_all_completions_once_and_little_is_padded(lengths):
    falling = sorted(lengths, reverse=True)
    parts = packed.similar(falling)
    assert [number for part in parts for number in range(len(lengths))[part]] == list(range(len(lengths)))
    assert all(len(falling[part]) >= min(packed.FEWEST, len(lengths)) for part in parts)
    for part in parts[:-1]:
        within = falling[part][packed.FEWEST :]
        assert all(length > packed.SIMILAR * falling[part][0] for length in within)


@settings(max_examples=5)
@given(st.data())
def test_each_completion_is_read_as_if_alone(data):
    policy = load_policy(ModelSpec(device="cpu"))
    prompts = data.draw(st.lists(st.lists(st.integers(5, 90), min_size=1, max_size=12), min_size=1, max_size=3))
    answer = st.lists(st.integers(5, 90), min_size=1, max_size=30)
    rows = [Row(data.draw(st.sampled_from(prompts)), data.draw(answer)) for _ in range(30)]
    together = policy.before(rows)
    alone = packed.read_padded(policy.hidden, rows, policy.device)
    torch.testing.assert_close(together, alone, atol=2e-4, rtol=1e-4)


def test_the_gradient_of_chosen_lines_is_that_of_index_select():
    index = torch.tensor([3, 0, 4])
    tables = [torch.randn(6, 2, generator=torch.Generator().manual_seed(0)).requires_grad_() for _ in range(2)]
    packed.Chosen.apply(tables[0], index).pow(3).sum().backward()
    tables[1].index_select(0, index).pow(3).sum().backward()
    assert torch.equal(tables[0].grad, tables[1].grad)


@pytest.mark.parametrize("shape", [(7, 16), (1, 5, 3, 16)])
def test_a_norm_and_its_gradients_are_those_of_transformers(shape):
    torch.manual_seed(1)
    found = []
    for fast in (False, True):
        layers = nn.ModuleList([Qwen3RMSNorm(16, eps=1e-5)])
        with torch.no_grad():
            layers[0].weight.copy_(torch.linspace(0.5, 2, 16))
        assert not fast or (use_norm(layers), type(layers[0])) == (1, PlainNorm)
        values = torch.linspace(-3, 2, torch.Size(shape).numel()).sin().view(shape).requires_grad_()
        answer = layers[0](values)
        (answer.pow(2) * torch.arange(16)).sum().backward()
        found.append((answer, values.grad, layers[0].weight.grad))
    for plain, own in zip(*found, strict=True):
        torch.testing.assert_close(own, plain, atol=1e-4, rtol=1e-5)


def test_norms_that_are_not_float32_stay_as_they_are():
    layers = nn.ModuleList([Qwen3RMSNorm(8).bfloat16(), nn.LayerNorm(8)])
    assert use_norm(layers) == 0
