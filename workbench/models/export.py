"""Writes what a run has learned in the formats that transformers and peft read without the workbench.

An adapter is written as peft's own folder; merged weights are those of the 16-bit base with the adapter's product
added, never of a quantised one: adding to 4-bit weights would round what was learned away.
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors.torch import save_file
from torch import Tensor

from workbench.models.load import add_adapter, load_encoder, load_model, source
from workbench.models.size import skeleton
from workbench.models.spec import ModelSpec

Form = Literal["adapter", "merged", "full"]
Type = Literal["float32", "bfloat16", "float16"]
HEADS = "head."  # names of the numbers that pieces learn beside the model; they are no part of it


def export(spec: ModelSpec, weights: Mapping[str, Tensor], folder: Path, form: Form, dtype: Type = "bfloat16") -> None:
    """Writes a model into a folder that is not there yet: weights, configuration and tokenizer.

    `weights` are the trained ones by name, as in a checkpoint. `adapter` needs none of the model's own weights;
    `merged` and `full` load them. `dtype` is that of merged or full weights. ValueError where form and training do not
    go together, or weights and model do not.
    """
    if folder.exists() and any(folder.iterdir()):
        raise ValueError(f"{folder} is there already and not empty: give another folder")
    if (form == "full") != (spec.lora is None):
        right = "full" if spec.lora is None else "adapter or merged"
        raise ValueError(f"form = {form!r}: the run trained {what(spec)}; give {right}")
    weights = {name: value for name, value in weights.items() if not name.startswith(HEADS)}
    if form == "adapter":
        write_adapter(spec, weights, folder)
    else:
        model = whole_model(spec, weights, dtype)
        model.save_pretrained(folder)
        load_encoder(spec, model).tokenizer.save_pretrained(folder)


def what(spec: ModelSpec) -> str:
    """What was trained, in words."""
    return "all weights" if spec.lora is None else "an adapter"


def write_adapter(spec: ModelSpec, weights: Mapping[str, Tensor], folder: Path) -> None:
    """peft's `adapter_config.json` and `adapter_model.safetensors`, and the tokenizer."""
    from peft import get_peft_model_state_dict
    from transformers import AutoTokenizer

    model = skeleton(spec)
    check_names(spec, weights, {name for name, weight in model.named_parameters() if weight.requires_grad})
    folder.mkdir(parents=True, exist_ok=True)
    saved = get_peft_model_state_dict(model, state_dict=dict(weights))
    plain = {name: value.detach().contiguous().cpu() for name, value in saved.items()}
    save_file(plain, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    config = model.peft_config["default"]
    config.base_model_name_or_path, config.inference_mode = source(spec), True
    config.save_pretrained(str(folder))
    AutoTokenizer.from_pretrained(source(spec)).save_pretrained(folder)


def whole_model(spec: ModelSpec, weights: Mapping[str, Tensor], dtype: Type) -> Any:
    """The transformers model on the CPU with the trained weights in it, an adapter added to the plain ones."""
    plain = dataclasses.replace(spec, quantisation=None, device="cpu", dtype=dtype, linear="torch")
    model = load_model(plain)
    if spec.lora is not None:
        model = add_adapter(model, spec.lora, seed=0)
    else:
        model.requires_grad_(True)
    own = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    check_names(spec, weights, own.keys())
    with torch.no_grad():
        for name, value in weights.items():
            own[name].copy_(value)
    return model if spec.lora is None else model.merge_and_unload(safe_merge=True)


def check_names(spec: ModelSpec, weights: Mapping[str, Tensor], known: Any) -> None:
    """Raises unless the weights are those of this model."""
    odd = sorted(weights.keys() ^ set(known))[:3]
    if odd:
        raise ValueError(f"the weights are not those of {spec.name!r}: {', '.join(odd)} … are not in both")
