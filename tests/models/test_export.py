"""Every form of export gives back the trained model, whatever shares its weights; another model is not left behind."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (  # fmt: skip
    AutoModelForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from workbench.models import LoraSpec, ModelSpec, export, load_policy
from workbench.models.export import TOLERANCE, logits_of

SIZE = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
        "num_key_value_heads": 2, "vocab_size": 448, "initializer_range": 0.3}  # fmt: skip
MODELS: dict[str, Any] = {
    "qwen2 tied": lambda: Qwen2ForCausalLM(Qwen2Config(**SIZE, tie_word_embeddings=True)),
    "llama": lambda: LlamaForCausalLM(LlamaConfig(**SIZE, tie_word_embeddings=False)),
    "gpt2 tied": lambda: GPT2LMHeadModel(GPT2Config(n_embd=32, n_layer=2, n_head=4, n_positions=64, vocab_size=448)),
}
TARGETS = {
    "embeddings": {"gpt2 tied": ("wte",)},
    "head": {"gpt2 tied": ("lm_head",)},
    "both": {"gpt2 tied": ("wte", "lm_head", "c_attn")},
    "all-linear": {},
}
USUAL = {"embeddings": ("embed_tokens",), "head": ("lm_head",), "both": ("embed_tokens", "lm_head", "q_proj"),
         "all-linear": "all-linear"}  # fmt: skip


def spec_of(folder: Path, model: str, lora: LoraSpec | None) -> ModelSpec:
    """A random model on disk, with the embedded tokenizer."""
    torch.manual_seed(0)
    MODELS[model]().save_pretrained(folder)
    load_policy(ModelSpec()).encoder.tokenizer.save_pretrained(folder)
    return ModelSpec(name=str(folder), lora=lora, device="cpu")


def trained(spec: ModelSpec) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    """Weights as after training, and the trained model's logits."""
    policy = load_policy(spec)
    torch.manual_seed(1)
    with torch.no_grad():
        for weight in policy.trainable().values():
            weight.add_(0.2 * torch.randn_like(weight))
    return {name: weight.detach().clone() for name, weight in policy.trainable().items()}, logits_of(policy.model)


def off(found: torch.Tensor, expected: torch.Tensor) -> float:
    return float((found - expected).abs().mean() / (1 + expected.abs().mean()))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("targets", TARGETS)
@pytest.mark.parametrize("model", MODELS)
def test_a_merged_model_is_the_trained_one(tmp_path, model, targets, dtype):
    """Also where embeddings and head share a table and the adapter is on one of them: they are parted."""
    chosen = TARGETS[targets].get(model, USUAL[targets])
    spec = spec_of(tmp_path / "base", model, LoraSpec(rank=2, targets=chosen))
    weights, expected = trained(spec)
    export.export(spec, weights, tmp_path / "out", "merged", dtype)
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path / "out", dtype="auto")
    assert off(logits_of(loaded), expected) < TOLERANCE[getattr(torch, dtype)]
    parted = model != "llama" and targets != "all-linear"
    assert loaded.config.tie_word_embeddings == (model != "llama" and not parted)


@pytest.mark.filterwarnings("ignore:Model has `tie_word_embeddings=True`", "ignore:fan_in_fan_out")  # plain peft's
@pytest.mark.parametrize("targets", TARGETS)
@pytest.mark.parametrize("model", MODELS)
def test_an_adapter_is_the_trained_one(tmp_path, model, targets):
    chosen = TARGETS[targets].get(model, USUAL[targets])
    spec = spec_of(tmp_path / "base", model, LoraSpec(rank=2, targets=chosen))
    weights, expected = trained(spec)
    export.export(spec, weights, tmp_path / "out", "adapter")
    base = AutoModelForCausalLM.from_pretrained(tmp_path / "base")
    from peft import PeftModel

    assert off(logits_of(PeftModel.from_pretrained(base, str(tmp_path / "out"))), expected) < 1e-4


@pytest.mark.parametrize("model", MODELS)
def test_all_weights_are_the_trained_ones(tmp_path, model):
    spec = spec_of(tmp_path / "base", model, None)
    weights, expected = trained(spec)
    export.export(spec, weights, tmp_path / "out", "full", "float32")
    assert off(logits_of(AutoModelForCausalLM.from_pretrained(tmp_path / "out")), expected) < 1e-4


@pytest.mark.filterwarnings("ignore:Model with `tie_word_embeddings=True`")  # peft says so itself
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_another_model_is_refused_and_removed(tmp_path, monkeypatch, dtype):
    """As it was written before: the adapter of the head merged into the table that the embeddings share."""
    monkeypatch.setattr(export, "untie", lambda causal: None)
    spec = spec_of(tmp_path / "base", "qwen2 tied", LoraSpec(rank=2, targets=("lm_head",)))
    weights, _ = trained(spec)
    with pytest.raises(ValueError, match=r"is not the trained model: its logits differ by .*it was removed"):
        export.export(spec, weights, tmp_path / "out", "merged", dtype)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("form", ["adapter", "merged"])
def test_a_file_that_was_written_wrong_is_found(tmp_path, monkeypatch, form):
    """Whatever writes it: here a writer that loses the adapter's last matrix."""
    from safetensors import torch as writer

    def lossy(write: Any) -> Any:
        def written(tensors: dict[str, torch.Tensor], *given: Any, **options: Any) -> None:
            name = max(tensors)
            write({**tensors, name: torch.zeros_like(tensors[name])}, *given, **options)

        return written

    spec = spec_of(tmp_path / "base", "llama", LoraSpec(rank=2))
    weights, _ = trained(spec)
    monkeypatch.setattr(export, "save_file", lossy(writer.save_file))
    monkeypatch.setattr("transformers.modeling_utils.safe_save_file", lossy(writer.save_file))
    with pytest.raises(ValueError, match="is not the trained model"):
        export.export(spec, weights, tmp_path / "out", form, "float32")
    assert not (tmp_path / "out").exists()
