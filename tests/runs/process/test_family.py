"""What a model's family cannot do is told before a run: found on a small random model of it, without its weights."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import transformers

from workbench.config import ConfigError
from workbench.models.replica import LARGEST, replica
from workbench.models.shipped import EMBEDDED_FOLDER
from workbench.models.spec import ModelSpec
from workbench.runs.demo import demo_config
from workbench.runs.launch import launch
from workbench.runs.process.build import errors

SMALL = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3, "num_attention_heads": 4,
         "num_key_value_heads": 2, "max_position_embeddings": 256}  # fmt: skip
MLA = {**SMALL, "num_key_value_heads": 4, "q_lora_rank": 16, "kv_lora_rank": 8, "qk_rope_head_dim": 8,
       "qk_nope_head_dim": 8, "v_head_dim": 8, "n_routed_experts": 8, "num_experts_per_tok": 2, "n_group": 2,
       "topk_group": 1, "moe_intermediate_size": 16, "first_k_dense_replace": 1}  # fmt: skip
OSS = {**SMALL, "head_dim": 8, "num_local_experts": 8, "num_experts_per_tok": 2, "sliding_window": 8}
BLOOM = {"hidden_size": 32, "n_layer": 2, "n_head": 4}


def model(folder: Path, config: Any) -> str:
    """A folder with a family's config.json and the embedded model's tokenizer; no weights."""
    vocabulary = json.loads((EMBEDDED_FOLDER / "config.json").read_text())["vocab_size"]
    config.vocab_size = vocabulary
    config.save_pretrained(folder)
    for file in EMBEDDED_FOLDER.iterdir():
        if file.name.startswith("tokenizer") or file.suffix == ".jinja":
            (folder / file.name).write_bytes(file.read_bytes())
    return str(folder)


def said(folder: Path, config: Any, engine: str, attention: str = "sdpa") -> list[str]:
    """What is said of a run of this family before it is started."""
    spec = {"name": model(folder, config), "device": "cpu", "attention": attention}
    return errors(demo_config().replace(model=spec, rollouts={"engine": engine}))


@pytest.mark.parametrize(
    ("config", "engine", "attention"),
    [
        (transformers.Qwen2Config(**SMALL), "local", "sdpa"),
        (transformers.LlamaConfig(**SMALL, attention_bias=True), "local", "eager"),
        (transformers.MistralConfig(**SMALL, sliding_window=8), "generate", "sdpa"),
        (transformers.GPT2Config(n_embd=32, n_layer=2, n_head=4, n_positions=256), "local", "sdpa"),
        (transformers.DeepseekV3Config(**MLA), "generate", "sdpa"),
        (transformers.GptOssConfig(**OSS), "generate", "eager"),
        (transformers.MixtralConfig(**SMALL, num_local_experts=8, num_experts_per_tok=2), "local", "sdpa"),
    ],
    ids=lambda value: getattr(value, "model_type", value),
)
def test_families_that_work_are_let_through(tmp_path: Path, config: Any, engine: str, attention: str) -> None:
    assert said(tmp_path, config, engine, attention) == []


@pytest.mark.parametrize(
    ("config", "engine", "attention", "told"),
    [
        (transformers.GptOssConfig(**OSS), "generate", "sdpa",
         "model.attention = 'sdpa': model type 'gpt_oss' does not work with it", ),
        (transformers.BloomConfig(**BLOOM), "local", "sdpa", "model type 'bloom'"),
        (transformers.DeepseekV3Config(**MLA), "local", "sdpa",
         "rollouts.engine = 'local': cannot sample from model type 'deepseek_v3'"),
        (transformers.MistralConfig(**SMALL, sliding_window=8), "local", "sdpa", "type 'mistral' has layers that the"),
        (transformers.LlamaConfig(**SMALL, hidden_act="gelu"), "local", "sdpa", "not reproduce model type 'llama'"),
        (transformers.GraniteConfig(**SMALL, logits_scaling=8.0), "generate", "sdpa", "its logits are not its head"),
        (transformers.Gemma2Config(**SMALL, head_dim=8), "generate", "sdpa", "model type 'gemma2': its logits are not"),
    ],
    ids=lambda value: getattr(value, "model_type", None),
)  # fmt: skip
def test_what_a_family_cannot_do_is_one_message_with_a_remedy(
    tmp_path: Path, config: Any, engine: str, attention: str, told: str
) -> None:
    (error,) = said(tmp_path, config, engine, attention)
    assert told in error
    assert "; set " in error or ": set " in error or "; take " in error
    assert "\n" not in error


def test_the_remedy_is_one_that_works(tmp_path: Path) -> None:
    (error,) = said(tmp_path, transformers.GptOssConfig(**OSS), "local")
    assert error.endswith("set model.attention = 'eager'")
    (error,) = said(tmp_path, transformers.GptOssConfig(**OSS), "local", "eager")
    assert error.endswith("set rollouts.engine = 'generate'")
    assert said(tmp_path, transformers.GptOssConfig(**OSS), "generate", "eager") == []


def test_nothing_is_started(tmp_path: Path) -> None:
    name = model(tmp_path / "model", transformers.DeepseekV3Config(**MLA))
    with pytest.raises(ConfigError, match=r"set rollouts\.engine = 'generate'"):
        launch(demo_config().replace(model={"name": name, "device": "cpu"}), tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_a_replica_is_small_and_has_every_kind_of_layer(tmp_path: Path) -> None:
    large = {**SMALL, "hidden_size": 896, "intermediate_size": 4864, "num_hidden_layers": 24, "num_attention_heads": 14}
    config = transformers.Qwen2Config(**large, use_sliding_window=True, sliding_window=8, max_window_layers=12)
    policy = replica(ModelSpec(name=model(tmp_path, config), device="cuda", dtype="bfloat16"))
    assert policy is not None
    assert policy.config.layer_types == ["full_attention", "sliding_attention"]
    assert policy.config.hidden_size == 896
    assert sum(weight.numel() for weight in policy.model.parameters()) < 10_000_000 < LARGEST
    huge = transformers.Qwen2Config(**{**large, "hidden_size": 16384, "num_attention_heads": 16})
    assert replica(ModelSpec(name=model(tmp_path / "huge", huge))) is None


def test_targets_of_an_adapter_that_the_small_model_lacks_are_left_to_the_forecast() -> None:
    config = demo_config().replace(model={"lora": {"targets": ["layers.3.self_attn.q_proj"]}, "device": "cpu"})
    assert not [error for error in errors(config) if "targets" in error]
    assert dataclasses.replace(config.model).lora is not None


def test_a_folder_that_cannot_be_written_is_told_before_the_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match=r"no run can be written there \(Not a directory\); give another folder"):
        launch(demo_config(), tmp_path / "file")
