"""A small random model of the same family: what trainer and engine can do with it is tried before weights are read.

Width, heads, kinds of layers, scalings and activations are the model's own; layers, vocabulary and inner units are few.
Errors that other libraries raise only when a model runs (no such attention, another shape of keys) are met here.
"""

import contextlib
import dataclasses
from typing import Any

import torch

from workbench.models.load import add_adapter, architecture, text_encoder
from workbench.models.policy import LocalPolicy
from workbench.models.spec import ModelSpec

LAYERS, WIDTH, TOKENS, EXPERTS = 2, 256, 512, 4  # at most: layers of a kind, inner units, vocabulary, experts
LARGEST = 150_000_000  # parameters of a replica that is still made
SPREAD = 0.3  # standard deviation of its weights: large enough that scaled or capped logits differ
NARROWED = ("intermediate_size", "moe_intermediate_size", "shared_expert_intermediate_size", "ffn_dim", "n_inner")
EXPERT_COUNTS = ("num_experts", "num_local_experts", "n_routed_experts")


def replica(spec: ModelSpec) -> LocalPolicy | None:
    """The small model as a policy on the CPU, in float32, with the spec's adapter; None where none can be made.

    Raises what transformers, peft and the policy raise about the family.
    """
    config = small(spec)
    if config is None:
        return None
    attention = "eager" if spec.attention == "eager" else "sdpa"
    with torch.random.fork_rng():
        model = from_config(config, attention)
        randomise(model)
        own = dataclasses.replace(
            spec, device="cpu", dtype="float32", quantisation=None, double_quantisation=False, linear="torch"
        )
        if spec.lora is not None:
            try:
                model = add_adapter(model, spec.lora, seed=0)
            except ValueError:  # its targets may be layers that the small model lacks; the forecast asks the whole one
                return None
        return LocalPolicy(model, text_encoder(spec), own)


def small(spec: ModelSpec) -> Any:
    """The architecture made small; None where it would still be large, or cannot be made so."""
    if spec.trust_remote_code:
        return None  # its own code need not bear other numbers
    config = architecture(spec)
    text = config.get_text_config()
    kinds = getattr(text, "layer_types", None)
    if isinstance(getattr(type(text), "layer_types", None), property):
        kinds = None  # it follows from other numbers
    if kinds:
        text.layer_types = list(dict.fromkeys(kinds))
    text.num_hidden_layers = len(text.layer_types) if kinds else min(LAYERS, text.num_hidden_layers)
    text.vocab_size, text.pad_token_id = min(TOKENS, text.vocab_size), None
    for name in NARROWED:
        if isinstance(getattr(text, name, None), int):
            setattr(text, name, min(WIDTH, getattr(text, name)))
    fewest = max(EXPERTS, getattr(text, "num_experts_per_tok", None) or 0)
    for name in EXPERT_COUNTS:
        if isinstance(getattr(text, name, None), int):
            setattr(text, name, min(fewest, getattr(text, name)))
    for name in ("n_group", "topk_group"):
        if isinstance(getattr(text, name, None), int):
            setattr(text, name, 1)
    with contextlib.suppress(Exception), torch.device("meta"):  # what does not hold together is not tried
        count = sum(weight.numel() for weight in from_config(config, "eager").parameters())
        return config if count <= LARGEST else None
    return None


def from_config(config: Any, attention: str) -> Any:
    """A causal language model with random weights."""
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_config(config, dtype=torch.float32, attn_implementation=attention)


def randomise(model: Any) -> None:
    """Weights that make every part of the model count."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.dim() > 1:
                scale = min(SPREAD, 2 * weight.shape[-1] ** -0.5)
                weight.copy_(torch.randn(weight.shape, generator=generator) * scale)
