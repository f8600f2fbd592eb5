"""Writes what a run has learned in the formats that transformers and peft read without the workbench.

An adapter is written as peft's own folder; merged weights are those of the 16-bit base with the adapter's product
added, never of a quantised one: adding to 4-bit weights would round what was trained away. Whatever is written is
loaded again, and kept only if its logits are those of the trained model.
"""

import dataclasses
import math
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors.torch import save_file
from torch import Tensor

from workbench.models.load import add_adapter, load_encoder, load_model, quiet_peft, source
from workbench.models.size import skeleton
from workbench.models.spec import ModelSpec

Form = Literal["adapter", "merged", "full"]
Type = Literal["float32", "bfloat16", "float16"]
TOKENS = 16  # of the text that is compared
#: How far logits may be off on average, as a share of one plus their size: twice what rounding of merged weights makes.
TOLERANCE = {torch.float32: 1e-4, torch.float16: 1e-2, torch.bfloat16: 5e-2}
HEADS = "head."  # prefix of heads that pieces train beside the model; no part of an export


def export(spec: ModelSpec, weights: Mapping[str, Tensor], folder: Path, form: Form, dtype: Type = "bfloat16") -> None:
    """Writes a model into a folder that is not there yet: weights, configuration and tokenizer.

    `weights` are the trained ones by name, as in a checkpoint. `dtype` is that of merged or full weights. The model's
    own weights are loaded for every form, to compare what was written. ValueError where form and training do not go
    together, weights and model do not, or the model loaded from the folder is another one; then nothing is left of it.
    """
    if folder.exists() and any(folder.iterdir()):
        raise ValueError(f"{folder} is there already and not empty: give another folder")
    if (form == "full") != (spec.lora is None):
        right = "full" if spec.lora is None else "adapter or merged"
        raise ValueError(f"form = {form!r}: the run trained {what(spec)}; give {right}")
    weights = {name: value for name, value in weights.items() if not name.startswith(HEADS)}
    try:
        if form == "adapter":
            write_adapter(spec, weights, folder)
        else:
            write_whole(spec, weights, folder, dtype)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def what(spec: ModelSpec) -> str:
    """What was trained, in words."""
    return "all weights" if spec.lora is None else "an adapter"


def write_adapter(spec: ModelSpec, weights: Mapping[str, Tensor], folder: Path) -> None:
    """peft's `adapter_config.json` and `adapter_model.safetensors`, and the tokenizer."""
    from peft import PeftModel, get_peft_model_state_dict
    from transformers import AutoTokenizer

    model = skeleton(spec)
    check_names(spec, weights, {name for name, weight in model.named_parameters() if weight.requires_grad})
    folder.mkdir(parents=True, exist_ok=True)
    saved = get_peft_model_state_dict(model, state_dict=dict(weights), save_embedding_layers=False)
    plain = {name: value.detach().contiguous().cpu() for name, value in saved.items()}
    save_file(plain, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    config = model.peft_config["default"]
    config.base_model_name_or_path, config.inference_mode = source(spec), True
    config.save_pretrained(str(folder))
    AutoTokenizer.from_pretrained(source(spec)).save_pretrained(folder)
    trained = trained_model(spec, weights)
    expected = logits_of(trained)
    with quiet_peft():
        again = PeftModel.from_pretrained(trained.unload(), str(folder)).eval()
    check_written(again, expected, folder)


def write_whole(spec: ModelSpec, weights: Mapping[str, Tensor], folder: Path, dtype: Type) -> None:
    """The folder of a transformers model with the trained weights in it, an adapter added to the plain ones."""
    from transformers import AutoModelForCausalLM

    model = trained_model(dataclasses.replace(spec, quantisation=None, double_quantisation=False, dtype=dtype), weights)
    expected = logits_of(model)
    if spec.lora is not None:
        untie(model.get_base_model())
        model = model.merge_and_unload(safe_merge=True)
    model.save_pretrained(folder)
    load_encoder(spec, model).tokenizer.save_pretrained(folder)
    del model  # two of them at once may not fit
    again = AutoModelForCausalLM.from_pretrained(folder, dtype="auto", trust_remote_code=spec.trust_remote_code)
    check_written(again.eval(), expected, folder)


def untie(causal: Any) -> None:
    """Gives the output head a table of its own where it shares the embeddings' and an adapter is on either.

    Merged into the shared table, the adapter of one would change the other as well. The folder says so itself
    (`tie_word_embeddings` false) and is larger by the table.
    """
    modules = [causal.get_input_embeddings(), causal.get_output_embeddings()]
    embedding, head = (getattr(module, "base_layer", module) for module in modules)
    if embedding.weight is not head.weight or modules == [embedding, head]:
        return
    head.weight = torch.nn.Parameter(embedding.weight.detach().clone(), requires_grad=False)
    for config in {id(each): each for each in (causal.config, causal.config.get_text_config())}.values():
        config.tie_word_embeddings = False


def trained_model(spec: ModelSpec, weights: Mapping[str, Tensor]) -> Any:
    """The model on the CPU with the trained weights in it; an adapter stands beside the plain ones."""
    model = load_model(dataclasses.replace(spec, device="cpu", linear="torch"))
    if spec.lora is not None:
        model = add_adapter(model, spec.lora, seed=0)
    else:
        model.requires_grad_(True)
    own = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    check_names(spec, weights, own.keys())
    with torch.no_grad():
        for name, value in weights.items():
            own[name].copy_(value)
    return model.eval()


def check_names(spec: ModelSpec, weights: Mapping[str, Tensor], known: Any) -> None:
    """Raises unless the weights are those of this model."""
    odd = sorted(weights.keys() ^ set(known))[:3]
    if odd:
        raise ValueError(f"the weights are not those of {spec.name!r}: {', '.join(odd)} … are not in both")


# ------------------------------------------------------------------------------------- what was written


def logits_of(model: Any) -> Tensor:
    """A model's logits of a made-up text, [token, vocabulary] in float32."""
    vocabulary = model.config.get_text_config().vocab_size
    tokens = torch.tensor([[(7 * place + 3) % vocabulary for place in range(TOKENS)]])
    with torch.no_grad():
        found: Tensor = model(input_ids=tokens, use_cache=False).logits[0].float()
    return found


def check_written(model: Any, expected: Tensor, folder: Path) -> None:
    """Raises ValueError unless a model loaded from a folder has these logits, as far as its type allows.

    Means over all logits are compared: the rounding of half types, which the largest difference shows, averages out.
    """
    found = logits_of(model)
    size = float(expected.abs().mean())
    difference = float((found - expected).abs().mean()) if found.shape == expected.shape else math.nan
    if not difference <= TOLERANCE[model.dtype] * (1 + size):
        raise ValueError(
            f"what was written to {folder} is not the trained model: its logits differ by {difference:.3g} on average, "
            f"where they are {size:.3g} in size, and it was removed. Export in another form or dtype, and report this "
            "with the model's config.json"
        )
