"""Gradient checkpointing: a layer keeps its input alone, and computes the rest again in the backward pass.

Chen et al., arXiv:1604.06174, section 4. transformers' layers know how, but only in training mode, where dropout is on
too; here the mode is set on the layers themselves and not on what is inside them, so dropout stays off.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.utils.checkpoint import checkpoint


def enable(model: Any) -> None:
    """Prepares the layers of a transformers model; ValueError where it has none that can be computed again."""
    found = layers(model)
    if not found:
        raise ValueError(
            f"model.gradient_checkpointing = true: the layers of {model.config.model_type!r} models cannot be "
            "computed again; leave it out"
        )
    for layer in found:
        layer.gradient_checkpointing = True
        layer._gradient_checkpointing_func = functools.partial(again, model.config)


def layers(model: Any) -> list[Any]:
    """The layers that can be computed again."""
    from transformers.modeling_layers import GradientCheckpointingLayer

    return [module for module in model.modules() if isinstance(module, GradientCheckpointingLayer)]


def again(config: Any, function: Callable[..., Any], *values: Any) -> Any:
    """Calls a layer so that its backward pass calls it once more, with the attention that it had the first time."""
    attention = config._attn_implementation

    def contexts() -> tuple[Any, Any]:
        return contextlib.nullcontext(), attending(config, attention)

    return checkpoint(function, *values, use_reentrant=False, context_fn=contexts)


@contextlib.contextmanager
def attending(config: Any, attention: str) -> Iterator[None]:
    """Inside, the model has this attention."""
    before = config._attn_implementation
    config._attn_implementation = attention
    try:
        yield
    finally:
        config._attn_implementation = before


@contextlib.contextmanager
def recomputing(model: Any) -> Iterator[None]:
    """Inside, and where gradients are kept, prepared layers keep their inputs alone."""
    found = [layer for layer in layers(model) if layer.gradient_checkpointing] if torch.is_grad_enabled() else []
    for layer in found:
        layer.training = True
    try:
        yield
    finally:
        for layer in found:
            layer.training = False
